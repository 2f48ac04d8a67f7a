"""The Merkle tree of RFC 6962 §2.1 over a sequence of leaves: its root in one pass, and the proof that a leaf is in it.

Leaves and inner nodes are hashed with different first bytes, so that neither can pass for the other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Tree:
    """Grows by leaf hashes; keeps one hash for every complete subtree, so a million leaves need twenty."""

    size: int = 0
    _complete: list[bytes] = field(default_factory=list)

    def add(self, hashed: bytes) -> None:
        """Add a leaf's hash."""
        self._complete.append(hashed)
        self.size += 1
        size = self.size
        while size % 2 == 0:
            right = self._complete.pop()
            self._complete.append(node_hash(self._complete.pop(), right))
            size //= 2

    def root(self) -> bytes:
        """Return the root; of no leaves, the hash of nothing."""
        if not self._complete:
            return sha256(b"").digest()
        root = self._complete[-1]
        for left in reversed(self._complete[:-1]):
            root = node_hash(left, root)
        return root


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes that lead from leaf `index` to the root, lowest first (RFC 6962 §2.1.1)."""
    if len(leaves) <= 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*inclusion_proof(leaves[:half], index), _root(leaves[half:])]
    return [*inclusion_proof(leaves[half:], index - half), _root(leaves[:half])]


def root_from_proof(hashed: bytes, index: int, size: int, proof: Iterable[bytes]) -> bytes | None:
    """Return the root that a proof leads to from a leaf's hash, or None when it has not the right length (RFC 9162 §2.1.3.2)."""
    node, last = index, size - 1
    if index >= size:
        return None
    for sibling in proof:
        if last == 0:
            return None
        if node % 2 or node == last:
            hashed = node_hash(sibling, hashed)
            while node % 2 == 0 and node:
                node, last = node >> 1, last >> 1
        else:
            hashed = node_hash(hashed, sibling)
        node, last = node >> 1, last >> 1
    return hashed if last == 0 else None


def _root(leaves: Sequence[bytes]) -> bytes:
    tree = Tree()
    for hashed in leaves:
        tree.add(hashed)
    return tree.root()
