import Foundation

/// A folder that goes away with the test.
final class Scratch {
    let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "dailies-runner-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit {
        // A remaining folder is harmless, and a deinit cannot throw.
        try? FileManager.default.removeItem(atPath: folder)
    }

    func contents(_ path: String) -> [UInt8]? { FileManager.default.contents(atPath: path).map(Array.init) }
}

/// The smallest file that counts as an MP4: boxes with nothing in them that is looked at.
enum SmallClip {
    static func box(_ type: String, _ contents: [UInt8]) -> [UInt8] {
        number(UInt32(contents.count + 8)) + Array(type.utf8) + contents
    }

    static func number(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    static let fileType = box("ftyp", Array("isom0000isom".utf8))
    static let movie = box("moov", [1, 2, 3, 4, 5])
    static let media = box("mdat", Array(0..<40))

    static let whole = fileType + movie + media

    /// The same with other media, so that the content differs.
    static func clip(_ mark: UInt8) -> [UInt8] { fileType + movie + box("mdat", [UInt8](repeating: mark, count: 64)) }
}
