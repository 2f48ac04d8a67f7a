"""The Merkle tree against a definition written out, and proofs that hold for their leaf alone."""

from hashlib import sha256

import pytest

from verify_service.bulk.merkle import Tree, inclusion_proof, leaf_hash, root_from_proof


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\x01" + by_definition(leaves[:half]) + by_definition(leaves[half:])).digest()


@pytest.mark.parametrize("size", [*range(18), 100])
def test_root_and_every_proof(size: int) -> None:
    leaves = [f"row {i}".encode() for i in range(size)]
    tree, hashes = Tree(), [leaf_hash(leaf) for leaf in leaves]
    for hashed in hashes:
        tree.add(hashed)
    assert tree.root() == by_definition(leaves)
    for i, hashed in enumerate(hashes):
        proof = inclusion_proof(hashes, i)
        assert root_from_proof(hashed, i, size, proof) == tree.root()
        assert root_from_proof(leaf_hash(b"another"), i, size, proof) != tree.root()
        if size > 1:
            assert root_from_proof(hashed, (i + 1) % size, size, proof) != tree.root()
            assert root_from_proof(hashed, i, size, proof[:-1]) != tree.root()
