from git_model_security.directories.encryption import decrypt as decrypt
from git_model_security.directories.encryption import encrypt as encrypt
from git_model_security.directories.writing import Done as Done
from git_model_security.envelope.key import Key as Key
from git_model_security.errors import Error as Error
from git_model_security.loading.encrypted_file import load_into as load_into
from git_model_security.loading.encrypted_file import open_encrypted as open_encrypted

__version__: str
