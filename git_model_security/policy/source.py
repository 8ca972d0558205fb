"""What is known to be source text: the names that `all-but-source` leaves clear.

A name stands here only where nothing but text that people write, or tools that build,
has it. What is missing is encrypted, and `git model untrack` lets it out; what is here
by mistake is published. So: no `*.json`, `*.txt`, `*.xml` or `*.csv`, which are data as
often; no wildcard that another ending could follow (`README*`); no picture; no ending that
is a format of something else as well (`.tf`, `.cls`).
"""

from __future__ import annotations

from typing import Final


def _endings(words: str) -> tuple[str, ...]:
    return tuple(f"*.{word}" for word in words.split())


# No .mlir and no .ll: whole models are written in them.
_CODE: Final = (
    *_endings("adb ads asm astro awk bash bat bzl c c++ cc cjs cl clj cljs cmd coffee cpp cr"),
    *_endings("cs css cts cu cuh cxx dart dockerfile el elm erl ex exs f f03 f08 f90 f95 F90"),
    *_endings("fish for fs fsi fsx glsl go gradle graphql groovy h h++ hh hlsl hpp hrl hs"),
    *_endings("htm html hxx inl ipynb java jl js jsx kt kts less lhs lisp lua m mdx metal mjs"),
    *_endings("ml mli mm nf nim nix nu pas php pl pm proto ps1 psm1 pxd py pyi pyw pyx r R"),
    *_endings("rb rmd Rmd rs s S sass sc scala scm scss sed sh smk sol sql svelte sv svh"),
    *_endings("swift tcl thrift ts tsx v vb vhd vhdl vim vue wgsl zig zsh"),
)

_BUILD: Final = (
    *_endings("bazel cmake csproj fsproj lock mk sbt sln vbproj vcxproj"),
    *("BUILD", "WORKSPACE", "CMakeLists.txt", "Makefile", "makefile", "GNUmakefile"),
    *("Makefile.am", "configure.ac", "meson.build", "meson_options.txt", "Dockerfile"),
    *("Containerfile", "Brewfile", "Gemfile", "Justfile", "justfile", "Pipfile", "Procfile"),
    *("Rakefile", "Snakefile", "Vagrantfile", "gradlew", "mvnw", "pom.xml", "go.mod"),
    *("go.sum", "go.work", "go.work.sum", "gradle.properties", "MANIFEST.in", "Jenkinsfile"),
    *("requirements*.txt", "requirements*.in", "constraints*.txt", "package.json"),
    *("package-lock.json", "npm-shrinkwrap.json", "composer.json", "tsconfig.json"),
    *("tsconfig.*.json", "jsconfig.json", "deno.json", "lerna.json", "nx.json", "turbo.json"),
    *("angular.json", "pyrightconfig.json", "renovate.json", "vercel.json"),
    # what people write to configure all of these, and CI
    *_endings("cfg ini toml yaml yml"),
)

_DOCUMENTS: Final = (
    *_endings("adoc bib cff markdown md org rst sty tex"),
    *("AUTHORS", "CHANGELOG", "CHANGES", "CITATION", "CODEOWNERS", "CONTRIBUTING"),
    *("CONTRIBUTORS", "COPYING", "COPYRIGHT", "HISTORY", "INSTALL", "LICENCE", "LICENSE"),
    *("LICENSE-APACHE", "LICENSE-MIT", "MAINTAINERS", "NEWS", "NOTICE", "OWNERS", "PATENTS"),
    *("README", "SECURITY", "TODO", "VERSION", "AUTHORS.txt", "CHANGELOG.txt", "COPYING.txt"),
    *("LICENSE.txt", "NOTICE.txt", "README.txt", "robots.txt"),
)

PATTERNS: Final = _CODE + _BUILD + _DOCUMENTS
"""Attribute patterns, in Git's letters: `MAIN.PY` is another name than `main.py`."""
