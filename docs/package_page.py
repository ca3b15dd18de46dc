"""README.md as the package page shows it: its links lead to the repository."""

import runpy
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

README = "README.md"


class PackagePage(MetadataHookInterface):
    def update(self, metadata: dict) -> None:
        """Puts the text, with absolute links, into the metadata of the package."""
        root = Path(self.root)
        address = runpy.run_path(str(root / "docs" / "address.py"))
        text = (root / README).read_text(encoding="utf-8")
        text = address["change_links"](text, README, address["address_of"])
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
