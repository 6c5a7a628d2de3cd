import DailiesCore

/// A saved clip, and what is needed to request it from its provider again.
package struct SavedClipRow: Hashable, Sendable {
    /// The attempt that rendered it.
    package let attempt: AttemptID
    package let batch: BatchID
    package let batchName: String
    package let key: TaskKey
    /// The provider's task ID.
    package let remote: RemoteTaskID
    package let submissionKey: SubmissionKey
    /// The fingerprint of the API key that sent it.
    package let account: KeyFingerprint
    /// The saved file.
    package let clip: SavedClip
}

extension Store {
    /// A page of the saved clips, including those of earlier takes, by task and number.
    ///
    /// - Parameters:
    ///   - batch: nil: all batches.
    ///   - task: nil: all tasks.
    ///   - last: the end of the previous page; nil for the first.
    ///   - limit: the maximum number of clips.
    package func savedClips(
        in batch: BatchID? = nil, of task: TaskID? = nil, after last: AttemptID? = nil, limit: Int
    ) throws(StoreError) -> [SavedClipRow] {
        precondition(limit > 0, "a page of \(limit) clips")
        return try reading { database throws(StoreError) in
            try database.rows(
                """
                SELECT a.task, a.number, a.batch_id, b.name, i.key, a.task_id, a.submission_key, a.key_fingerprint,
                    a.output_path, a.output_sha256, a.output_bytes
                FROM attempt AS a JOIN task_input AS i ON i.id = a.task JOIN batch AS b ON b.id = a.batch_id
                WHERE a.output_path IS NOT NULL AND (a.task, a.number) > ($1, $2)
                    AND ($3 IS NULL OR a.batch_id = $3) AND ($4 IS NULL OR a.task = $4)
                ORDER BY a.task, a.number LIMIT $5
                """,
                SQLValue(last?.task.rawValue ?? .min), SQLValue(last?.number ?? 0), SQLValue(batch?.rawValue),
                SQLValue(task?.rawValue), SQLValue(limit)
            ) { row throws(StoreError) in
                SavedClipRow(
                    attempt: try row.attempt(), batch: row["batch_id"], batchName: row["name"], key: row["key"],
                    remote: row["task_id"], submissionKey: row["submission_key"], account: row["key_fingerprint"],
                    clip: SavedClip(
                        path: row["output_path"], sha256: row["output_sha256"], bytes: row["output_bytes"]))
            }
        }
    }

    /// Saves later clips of these batches in another folder.
    package func moveOutput(of batches: [BatchID], to folder: String) throws(StoreError) {
        try transaction { database throws(StoreError) in
            for batch in batches {
                try database.run("UPDATE batch SET output_dir = $1 WHERE id = $2", .text(folder), SQLValue(batch))
            }
        }
    }
}

extension LatestAttempt {
    /// The saved clip; nil: not saved.
    package var savedClip: SavedClip? {
        guard let outputPath, let outputSHA256, let outputBytes else { return nil }
        return SavedClip(path: outputPath, sha256: outputSHA256, bytes: outputBytes)
    }
}
