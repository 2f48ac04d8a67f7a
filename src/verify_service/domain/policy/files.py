"""Read policy packs: strict YAML (no duplicate keys), then the model. What is wrong names the file and the rule."""

from collections.abc import Hashable, Iterator
from importlib.resources.abc import Traversable
from typing import Any

import yaml
from pydantic import ValidationError

from verify_service.domain.policy.in_force import Policies
from verify_service.domain.policy.pack import PolicyPack
from verify_service.errors import ConfigurationError


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML in which a key may stand only once: the last one winning would silently change a threshold."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        repeated = {key for key in keys if keys.count(key) > 1}
        if repeated:
            raise yaml.constructor.ConstructorError(None, None, f"duplicate keys {sorted(repeated)}", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def load_policies(folder: Traversable) -> Policies:
    """Read every `*.yaml` in a folder. Raises ConfigurationError naming file, place and rule; also when there is none."""
    packs = list(_packs(folder))
    if not packs:
        raise ConfigurationError(f"{folder}: no policy pack (*.yaml)")
    claimed: dict[str, str] = {}
    for pack in packs:
        for region in {region for version in pack.versions for region in version.regions}:
            if claimed.setdefault(region, pack.region) != pack.region:
                raise ConfigurationError(f"{folder}: region {region} is in two packs, {claimed[region]} and {pack.region}")
    return Policies(packs)


def _packs(folder: Traversable) -> Iterator[PolicyPack]:
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".yaml"):
            continue
        try:
            pack = PolicyPack.model_validate(yaml.load(file.read_text(encoding="utf-8"), Loader=_StrictLoader))  # noqa: S506 - a SafeLoader
        except ValidationError as error:
            raise ConfigurationError(f"{file.name}: {_first(error)}") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file.name}: {error}") from error
        if file.name != f"{pack.region}.yaml":
            raise ConfigurationError(f"{file.name}: a pack is called after its region, {pack.region}.yaml")
        yield pack


def _first(error: ValidationError) -> str:
    """Return place and rule of the first error; the others often only follow from it."""
    first = error.errors(include_url=False, include_input=False)[0]
    more = error.error_count() - 1
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}" + (f" (and {more} more)" if more else "")
