from git_model_security.api.models import digest as digest
from git_model_security.api.models import sign as sign
from git_model_security.api.models import verify as verify
from git_model_security.api.repository import Repository as Repository
from git_model_security.api.verified_model import VerifiedModel as VerifiedModel
from git_model_security.api.verified_model import load as load
from git_model_security.directories.encryption import decrypt as decrypt
from git_model_security.directories.encryption import encrypt as encrypt
from git_model_security.directories.signing import Signed as Signed
from git_model_security.directories.writing import Done as Done
from git_model_security.envelope.key import Key as Key
from git_model_security.errors import Error as Error
from git_model_security.errors import VerificationError as VerificationError
from git_model_security.loading.encrypted_file import load_into as load_into
from git_model_security.loading.encrypted_file import open_encrypted as open_encrypted
from git_model_security.trust.verdict import Verdict as Verdict

__version__: str
