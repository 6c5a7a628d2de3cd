import DailiesCore

/// Clips of completed attempts, and attempts that the provider does not know.
extension SQLiteConnection {
    func recordAsset(of attempt: AttemptID, _ asset: AssetLocation, at: Instant) throws(StoreError) {
        let snapshot = try snapshot(of: attempt, for: "asset_found") { $0.isUnsaved }
        try update(
            attempt, for: "asset_found",
            """
            UPDATE attempt SET output_url = $1, failure_code = NULL, failure_message = NULL
            WHERE task = $2 AND number = $3 AND state = 'completed' AND output_path IS NULL
            """, .text(asset.url), SQLValue(attempt.task), SQLValue(attempt.number))
        // The URL gives anyone access to the clip, so the permanent log omits it.
        try log(NewEvent("asset_found", at: at, attempt, in: snapshot.batch).moving(from: .completed, to: .completed))
    }

    func recordNoAsset(of attempt: AttemptID, at: Instant) throws(StoreError) {
        let snapshot = try snapshot(of: attempt, for: "no_asset") { $0.isUnsaved }
        try update(
            attempt, for: "no_asset",
            """
            UPDATE attempt SET output_url = NULL, failure_code = 'no_asset',
                failure_message = 'completed without a URL for the clip'
            WHERE task = $1 AND number = $2 AND state = 'completed' AND output_path IS NULL
            """, SQLValue(attempt.task), SQLValue(attempt.number))
        try log(NewEvent("no_asset", at: at, attempt, in: snapshot.batch).moving(from: .completed, to: .completed))
    }

    /// The URL is kept: only its server can show whether the clip is complete.
    func recordUnverified(_ attempt: AttemptID, path: String, at: Instant) throws(StoreError) {
        let snapshot = try snapshot(of: attempt, for: "unverified") { $0.isUnsaved }
        try update(
            attempt, for: "unverified",
            """
            UPDATE attempt SET failure_code = 'unverified', failure_message = 'may be truncated; kept as ' || $1
            WHERE task = $2 AND number = $3 AND state = 'completed' AND output_path IS NULL
            """, .text(path), SQLValue(attempt.task), SQLValue(attempt.number))
        var row = NewEvent("unverified", at: at, attempt, in: snapshot.batch).moving(from: .completed, to: .completed)
        row.message = path
        try log(row)
    }

    func recordSaved(_ attempt: AttemptID, _ clip: SavedClip, at: Instant) throws(StoreError) {
        let snapshot = try snapshot(of: attempt, for: "saved") { $0.isUnsaved }
        try update(
            attempt, for: "saved",
            """
            UPDATE attempt SET output_path = $1, output_sha256 = $2, output_bytes = $3, saved_at_ms = $4,
                output_url = NULL, failure_code = NULL, failure_message = NULL
            WHERE task = $5 AND number = $6 AND state = 'completed' AND output_path IS NULL
            """,
            .text(clip.path), .text(clip.sha256), .integer(clip.bytes), SQLValue(at), SQLValue(attempt.task),
            SQLValue(attempt.number))
        var row = NewEvent("saved", at: at, attempt, in: snapshot.batch).moving(from: .completed, to: .completed)
        row.message = clip.path
        try log(row)
    }

    /// The log keeps its path and digest.
    func recordClipGone(_ attempt: AttemptID, at: Instant) throws(StoreError) {
        let snapshot = try snapshot(of: attempt, for: "clip_gone") { $0.state == .completed && $0.isSaved }
        let saved: (path: String, digest: String)? = try first(
            "SELECT output_path, output_sha256 FROM attempt WHERE task = $1 AND number = $2", SQLValue(attempt.task),
            SQLValue(attempt.number)
        ) { row in (row["output_path"], row["output_sha256"]) }
        try update(
            attempt, for: "clip_gone",
            """
            UPDATE attempt SET output_path = NULL, output_sha256 = NULL, output_bytes = NULL, saved_at_ms = NULL
            WHERE task = $1 AND number = $2 AND state = 'completed' AND output_path IS NOT NULL
            """, SQLValue(attempt.task), SQLValue(attempt.number))
        var row = NewEvent("clip_gone", at: at, attempt, in: snapshot.batch).moving(from: .completed, to: .completed)
        row.code = saved?.digest
        row.message = saved?.path
        try log(row)
    }

    /// The time of the first loss stays until it is found; a later loss is only an event.
    func recordLost(_ attempt: AttemptID, _ fault: ProviderError, at: Instant) throws(StoreError) {
        let snapshot = try snapshot(of: attempt, for: "lost") { $0.isWithProvider || $0.isUnsaved }
        try update(
            attempt, for: "lost",
            """
            UPDATE attempt SET lost_at_ms = coalesce(lost_at_ms, $1) WHERE task = $2 AND number = $3 AND task_id IS NOT NULL
                AND (state IN ('queued', 'running') OR (state = 'completed' AND output_path IS NULL))
            """, SQLValue(at), SQLValue(attempt.task), SQLValue(attempt.number))
        try log(
            NewEvent("lost", at: at, attempt, in: snapshot.batch).moving(from: snapshot.state, to: snapshot.state)
                .caused(by: fault))
    }

    func recordFound(_ attempt: AttemptID, at: Instant) throws(StoreError) {
        let snapshot = try snapshot(of: attempt, for: "found") { $0.isLost }
        try update(
            attempt, for: "found",
            "UPDATE attempt SET lost_at_ms = NULL WHERE task = $1 AND number = $2 AND lost_at_ms IS NOT NULL",
            SQLValue(attempt.task), SQLValue(attempt.number))
        try log(NewEvent("found", at: at, attempt, in: snapshot.batch).moving(from: snapshot.state, to: snapshot.state))
    }

    func recordUnresolved(_ attempt: AttemptID, at: Instant) throws(StoreError) {
        let snapshot = try snapshot(of: attempt, for: "unresolved") { $0.isWithProvider }
        try log(
            NewEvent("unresolved", at: at, attempt, in: snapshot.batch).moving(from: snapshot.state, to: snapshot.state)
        )
    }
}
