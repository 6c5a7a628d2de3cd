extension HelpTopic {
    static let filesText = """
        What a run writes:

          renders/BATCH/KEY.mp4               a saved clip (--output); a second take is KEY~take2.mp4. Characters that some
                                              file systems refuse are replaced, and ~ and a short code are added.
                                              WebM and QuickTime clips get their own extension.
          renders/BATCH/KEY.damaged           a clip that is not a complete video
          renders/BATCH/KEY~unverified.mp4    a clip of unknown length; it counts as not saved (exit code 9)
          dailies.sqlite                      the store (--store): tasks, events, costs
          dailies.sqlite-wal                  its latest changes; -shm and -lock belong to it as well

        An existing file is never replaced: the clip gets another name. A folder that clips cannot be saved in is refused
        before the first submit. While a disk refuses clips, nothing new is submitted.

        Move the store: move dailies.sqlite and dailies.sqlite-wal together, or copy with `dailies store backup FILE`. If the
        clips move with the store, `sheet`, `export`, `resume` and `fetch` find them. A store with hard links, or a container
        mount of the file alone, is refused: mount its folder.

        Check that saved clips are complete, and save missing ones again while the provider has them, free of charge:
          dailies status --check-files
          dailies fetch --missing

        Permissions: the store and its files and copies have mode 0600. Clips have 0644, pages and plans 0666, and folders
        0777, minus the umask.
        """
}
