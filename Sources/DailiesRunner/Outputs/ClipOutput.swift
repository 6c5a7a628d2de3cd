import DailiesCore

/// Where the clips of a batch go: a folder (``FolderOutput``), or another kind of storage.
package protocol ClipOutput: Sendable {
    /// Opens a clip for writing, with the bytes that an interrupted download left. Blocks.
    func open(_ clip: OutputName, _ key: SubmissionKey) throws(ClipError) -> any ClipWriter
}

/// One clip being written. Every call blocks, and all are made on one queue.
package protocol ClipWriter: AnyObject {
    /// Bytes that are there.
    var length: Int64 { get }
    /// Where a download may resume.
    var resumePoint: ResumePoint { get }
    /// Whether all bytes of the known length are there.
    var isComplete: Bool { get }

    /// The bytes that follow start at `offset` of the asset and belong to `version`.
    ///
    /// - Throws: ``ClipError/versionMismatch`` if they do not continue the bytes that are there.
    func start(at offset: Int64, _ version: AssetVersion) throws(ClipError)
    /// Appends bytes.
    func write(_ bytes: [UInt8]) throws(ClipError)
    /// After an interruption: keeps the bytes for a later download, if they can be identified then.
    func keep() throws(ClipError)
    /// Removes the bytes.
    func discard() throws(ClipError)

    /// Whether the clip is complete, as far as known.
    ///
    /// - Parameter isWhole: whether the server stated after the body that all bytes were sent.
    func verdict(isWhole: Bool) throws(ClipError) -> MP4Validator.Verdict
    /// Gives the clip its name. Afterwards it survives a power failure.
    func finish() throws(ClipError) -> SavedClip
    /// Keeps bytes that may be the complete clip. Returns their path.
    func keepUnverified() throws(ClipError) -> String
    /// Keeps bytes that were paid for, though they are not a valid clip. Returns their path.
    func keepDamaged() throws(ClipError) -> String
}

/// Clips as files below a folder: `FOLDER/BATCH/KEY.mp4`.
package struct FolderOutput: ClipOutput {
    private let folder: String
    private let batchName: String

    /// - Parameter folder: an absolute path.
    package init(folder: String, batchName: String) {
        self.folder = folder
        self.batchName = batchName
    }

    package func open(_ clip: OutputName, _ key: SubmissionKey) throws(ClipError) -> any ClipWriter {
        try ClipFile(ClipPaths(folder: folder, batchName: batchName, output: clip, submissionKey: key))
    }
}
