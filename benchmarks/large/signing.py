"""The stock `model_signing` command, with a key of its own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.place import Place

_PROGRAM = str(Path(sys.executable).with_name("model_signing"))
_CURVE = "ec_paramgen_curve:prime256v1"


@dataclass(frozen=True)
class Signer:
    """Signs and verifies directories; the signature stands outside of them."""

    place: Place
    private: Path
    public: Path

    @classmethod
    def make(cls, place: Place) -> Signer:
        """Makes the key, unless a part before did."""
        private, public = place.directory / "signer.pem", place.directory / "signer.pub"
        if not public.exists():
            generate = ("genpkey", "-algorithm", "EC", "-pkeyopt", _CURVE, "-out", str(private))
            extract = ("pkey", "-in", str(private), "-pubout", "-out", str(public))
            for words in (generate, extract):
                place.run("openssl", *words, cwd=place.directory)
        return cls(place, private, public)

    def sign(self, model: Path) -> Path:
        """Signs a directory and returns the signature."""
        signature = self.place.directory / f"{model.name}.sig"
        words = ("--private_key", str(self.private), "--signature", str(signature))
        self.place.run(_PROGRAM, "sign", "key", *words, str(model), cwd=model)
        return signature

    def verify(self, model: Path, signature: Path) -> float:
        """Verifies a directory and returns the seconds it took."""
        words = ("--public_key", str(self.public), "--signature", str(signature))
        return self.place.run(_PROGRAM, "verify", "key", *words, str(model), cwd=model)
