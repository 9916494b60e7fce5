"""What may be removed from this laptop, and how, so that no session loses the folder that it runs from?

Kept: the applied release, the one before it, and every release that was in force during the last 14 days, within
a size cap. The rest goes at the end of a run: first out of the record, then out of the store by rename, then away.
"""

from __future__ import annotations

from skillway_sync.applied import Applied, forget_old, save_applied
from skillway_sync.disk import is_real_folder
from skillway_sync.index import Folders
from skillway_sync.laptop import Laptop
from skillway_sync.trust import RELEASES_FOLDER


def collect_garbage(laptop: Laptop, applied: Applied, index: Folders) -> Applied:
    """Remove what no kept release uses; gives the record as it is afterwards.

    Only to be called when the applied release is complete on disk.

    Args:
        laptop: The laptop.
        applied: What is applied.
        index: It knows the folders' sizes; one that is not in it counts as empty.
    """
    size = {(key.split("/")[0], key.split("/")[1]): total for key, (total, _) in index.items()}
    kept = forget_old(applied, now=laptop.now, size=size) if applied.former else applied
    if kept != applied:
        save_applied(laptop.layout.state, kept, laptop.disk)
    pairs = kept.folders()
    _remove_folders(laptop, pairs)
    for plugin, digest in sorted(laptop.archives.all_pairs() - pairs):
        laptop.archives.forget(plugin, digest, laptop.disk)
    _remove_documents(laptop, {kept.seq, *(former.seq for former in kept.former)})
    return kept


def _remove_folders(laptop: Laptop, pairs: set[tuple[str, str]]) -> None:
    store = laptop.layout.store
    trash = laptop.layout.staging / "trash"
    plugins = {plugin for plugin, _ in pairs}
    for plugin in sorted(store.iterdir()) if is_real_folder(store) else []:
        if plugin.name not in plugins or not is_real_folder(plugin):
            laptop.disk.make_folders(trash)
            laptop.disk.rename(plugin, trash / plugin.name)
            continue
        for folder in sorted(plugin.iterdir()):
            if (plugin.name, folder.name) not in pairs:
                laptop.disk.make_folders(trash)
                laptop.disk.rename(folder, trash / f"{plugin.name}-{folder.name}")
    laptop.disk.remove_tree(trash)


def _remove_documents(laptop: Laptop, seqs: set[int]) -> None:
    for path in sorted((laptop.layout.state / RELEASES_FOLDER).glob("*.json")):
        if path.stem not in {str(seq) for seq in seqs}:
            laptop.disk.remove(path)
