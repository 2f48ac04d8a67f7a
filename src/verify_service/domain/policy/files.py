"""Read policy packs: strict YAML (no duplicate keys, no merge keys), then the models. What is wrong names file, line and rule."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Any

import orjson
import yaml
from pydantic import ValidationError

from verify_service.domain.policy.in_force import Policies, Version
from verify_service.domain.policy.inherit import Place, forebears, rules_of, whole_versions
from verify_service.domain.policy.pack import PackFile
from verify_service.domain.policy.rules import Rules
from verify_service.errors import ConfigurationError


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML in which a key may stand only once: the last one winning would silently change a threshold."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        repeated = {key for key in keys if keys.count(key) > 1}
        if repeated:
            raise yaml.constructor.ConstructorError(None, None, f"duplicate keys {sorted(repeated)}", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def load_policies(folder: Traversable) -> Policies:
    """Read every `*.yaml` in a folder. Raises ConfigurationError naming file, line and rule; also when there is none."""
    versions = [version for file in _files(folder) for version in _Reader(file).versions()]
    if not versions:
        raise ConfigurationError(f"{folder}: no policy pack (*.yaml)")
    claimed: dict[str, str] = {}
    for version in versions:
        for region in version.areas:
            if claimed.setdefault(region, version.pack) != version.pack:
                raise ConfigurationError(f"{folder}: region {region} is in two packs, {claimed[region]} and {version.pack}")
    return Policies(versions)


def _files(folder: Traversable) -> Iterator[Traversable]:
    return (file for file in sorted(folder.iterdir(), key=lambda f: f.name) if file.name.endswith(".yaml"))


class _Reader:
    """One file: its tree of values, and its tree of nodes, which know their lines."""

    def __init__(self, file: Traversable) -> None:
        self.name = file.name
        try:
            text = file.read_text(encoding="utf-8")
            self.node = yaml.compose(text, Loader=_StrictLoader)
            self.tree: Any = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise ConfigurationError(f"{self.name}:{mark.line + 1 if mark else 1}: {error.problem}") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{self.name}:1: {error}") from None

    def versions(self) -> Iterator[Version]:
        """Return every version with the whole rules of every area."""
        try:
            pack = PackFile.model_validate_json(_json(self.tree))
        except ValidationError as error:
            raise self._wrong(error, [()]) from None
        if self.name != f"{pack.region}.yaml":
            raise self._at((("region",),), f"a pack is called after its region, {pack.region}.yaml")
        self._dates(pack)
        for i, whole in enumerate(self._whole(pack)):
            facts = pack.versions[i]
            regions = [pack.region, *(area for area in whole["areas"] if area != pack.region)]
            areas = {region: self._rules(i, whole, pack.region, region) for region in regions}
            yield Version(pack.region, pack.name, pack.name_zh, facts.version, facts.in_force_from, facts.in_force_to, areas, pack.calendar)

    def _dates(self, pack: PackFile) -> None:
        """Refuse two versions on one day, or two of one name."""
        ordered = sorted(enumerate(pack.versions), key=lambda v: v[1].in_force_from)
        for (_, earlier), (i, later) in pairwise(ordered):
            if earlier.in_force_to is None or earlier.in_force_to >= later.in_force_from:
                raise self._at([("versions", i, "in_force_from")], "two versions are in force on the same day")
            if earlier.version == later.version:
                raise self._at([("versions", i, "version")], "two versions have the same name")

    def _whole(self, pack: PackFile) -> list[dict[str, Any]]:
        names = [v.version for v in pack.versions]
        for i, version in enumerate(pack.versions):
            if version.based_on is not None and version.based_on not in names[:i]:
                raise self._at([("versions", i, "based_on")], "a version stands on one that comes before it in the file")
        return whole_versions(self.tree["versions"])

    def _rules(self, i: int, whole: Mapping[str, Any], province: str, region: str) -> Rules:
        """Return an area's rules. What is wrong is told where the most special statement about it stands."""
        if region[:2] != province[:2]:
            raise self._at([("versions", i, "areas", region)], "an area of the province")
        try:
            return Rules.model_validate_json(_json(rules_of(whole, province, region)))
        except ValidationError as error:
            roots: list[Place] = [("versions", i, "areas", area) for area in reversed(list(forebears(region)))]
            earlier: list[Place] = [("versions", n, "rules") for n in range(i, -1, -1)]
            raise self._wrong(error, [*roots, *earlier]) from None

    def _wrong(self, error: ValidationError, roots: Sequence[Place]) -> ConfigurationError:
        """Tell the first error; the others often only follow from it."""
        first = error.errors(include_url=False, include_input=False)[0]
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        rule = f"{'.'.join(map(str, first['loc']))}: {first['msg']}{more}"
        return self._at([(*root, *first["loc"]) for root in roots], rule)

    def _at(self, places: Iterable[Place], rule: str) -> ConfigurationError:
        """Return the error at the place that can be followed furthest, the first such."""
        followed = [self._follow(place) for place in places]
        _, line = max(followed, key=lambda found: found[0])
        return ConfigurationError(f"{self.name}:{line}: {rule}")

    def _follow(self, place: Place) -> tuple[int, int]:
        """Walk down the nodes; return how many steps were possible, whether all were, and the line reached."""
        node, line, steps = self.node, 1, 0
        for step in place:
            below = _below(node, step)
            if below is None:
                break
            steps, line, node = steps + 1, below[0], below[1]
        return steps, line


def _json(tree: Any) -> bytes:
    """Return the tree as JSON, in which the models take days and codes as text, and nothing else for what it is not."""
    return orjson.dumps(tree, option=orjson.OPT_NON_STR_KEYS)


def _below(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    """Return the line of a key or entry, and what stands under it."""
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark.line + 1, value) for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None
