"""Files as IBM's model-encryption writes them, which nothing here can write but this."""
