"""A configuration of transformers says what a model is; no code, and nothing elsewhere.

Whether the library finds nothing to run in what is left is asked of it where it is installed;
for that it needs no torch.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.errors import ModelError
from git_model_security.loading.transformers import load_model, without_code
from tests.loading.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KERNEL = "attacker/evil-kernel"
NAMING_CODE: tuple[dict[str, Any], ...] = (
    {"attn_implementation": KERNEL},
    {"attn_implementation": {"": KERNEL}},
    {"_attn_implementation": KERNEL},
    {"_attn_implementation_internal": KERNEL},
    {"experts_implementation": KERNEL},
    {"_experts_implementation": KERNEL},
    {"attribute_map": {"innocent": "_attn_implementation"}, "innocent": KERNEL},
    {"__dict__": {"_attn_implementation_internal": KERNEL}},
    {"sub_configs": {}},
    {"auto_map": {"AutoModel": "modeling.Evil"}, "trust_remote_code": True},
    {"custom_pipelines": {"evil": {"impl": "evil.Evil"}}},
    {"_name_or_path": "attacker/weights", "name_or_path": "attacker/weights"},
)
ELSEWHERE: tuple[dict[str, Any], ...] = (
    {"backbone": "attacker/backbone", "use_timm_backbone": False},
    {"architecture": "hf-hub:attacker/net"},
    {"model_args": {"checkpoint_path": "/tmp/weights.pth"}},
    {"backbone_kwargs": {"pretrained_cfg": {"hf_hub_id": "attacker/net"}}},
)


@pytest.mark.parametrize("keys", NAMING_CODE, ids=str)
def test_what_names_code_is_dropped_at_any_depth(keys: dict[str, Any]) -> None:
    said = {"model_type": "bert", "hidden_act": "gelu", **keys}
    wanted = {"model_type": "bert", "hidden_act": "gelu"}
    if "innocent" in keys:
        wanted["innocent"] = KERNEL  # an attribute of no meaning
    assert without_code(said) == wanted
    nested = {"text_config": said, "layers": [[said]]}
    assert without_code(nested) == {"text_config": wanted, "layers": [[wanted]]}


@pytest.mark.parametrize("keys", ELSEWHERE, ids=str)
def test_what_names_a_place_elsewhere_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="would be fetched or read elsewhere"):
        without_code({"model_type": "detr", "vision_config": keys})


def test_what_says_what_a_model_is_stays() -> None:
    said = {
        "model_type": "detr",
        "backbone": "resnet50",
        "backbone_config": {"model_type": "resnet", "depths": [3, 4]},
        "quantization_config": {"quant_method": "gptq", "bits": 4},
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6},
    }
    assert without_code(said) == said


@pytest.mark.skipif(
    find_spec("transformers") is None,
    reason="transformers is not installed: `pip install transformers`",
)
@pytest.mark.parametrize("keys", [*NAMING_CODE, *ELSEWHERE], ids=str)
def test_transformers_finds_no_code_in_what_is_left(
    keys: dict[str, Any], tmp_path: Path, seal: Callable[[str, bytes], Path]
) -> None:
    class Kind:
        """What is given the configuration that a model would be made of."""

        @staticmethod
        def from_pretrained(_: None, *, config: Any, **given: Any) -> Any:
            assert given["local_files_only"] is True
            return config

    document = {"model_type": "bert", **keys}
    seal("config.json", json.dumps(document).encode())
    seal("model.safetensors", b"\x02\0\0\0\0\0\0\0{}")
    if keys in ELSEWHERE:
        with pytest.raises(ModelError, match=r"config\.json: its .* elsewhere"):
            load_model(Kind, tmp_path, KEY)
        return
    config = load_model(Kind, tmp_path, KEY, local_files_only=False)
    assert config._attn_implementation is None
    assert config._experts_implementation is None
    assert not hasattr(config, "auto_map")
