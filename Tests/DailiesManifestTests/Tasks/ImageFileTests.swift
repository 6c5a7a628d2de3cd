import DailiesCore
import DailiesManifest
import Foundation
import Testing

/// First frames that manifests give as files.
struct ImageFileTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/dailies-images-\(UUID().uuidString)"
    private static let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    private func withFolder(_ body: () throws -> Void) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(atPath: folder) } catch { Issue.record("\(error)") }
        }
        try body()
    }

    private func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }

    private func check(_ format: ManifestFormat) throws -> ValidatedManifest {
        let task = #"{"model":"sora-2","prompt":"p","duration_seconds":1,"image_init":"a.png"}"#
        let text =
            switch format {
            case .jsonl: "\(task)\n\(task)\n"
            case .json, .yaml: "[\(task),\(task)]"
            case .csv, .tsv: "model,prompt,duration_seconds,image_init\nsora-2,p,1,a.png\nsora-2,p,1,a.png\n"
            }
        try write("m.\(format.rawValue)", text.utf8)
        return try ManifestReader(catalog: TestCatalog.published, today: nil)
            .check(.file("\(folder)/m.\(format.rawValue)"), format: format == .tsv ? .csv : format)
    }

    @Test(arguments: [
        (png, "image/png"), ([0xFF, 0xD8, 0xFF, 0xE0], "image/jpeg"),
        (Array("RIFF\0\0\0\0WEBPVP8 ".utf8), "image/webp"),
    ])
    func `an image is identified by its bytes, not by its name`(bytes: [UInt8], mediaType: String) throws {
        try withFolder {
            try write("a.png", bytes)
            let tasks = try check(.yaml).manifest().tasks
            let image = try #require(tasks[0].image)
            #expect(image.mediaType == mediaType && image.byteCount == bytes.count)
            #expect(try image.bytes() == bytes)
            #expect(image.path == "\(folder)/a.png")
            #expect(tasks[0].request.imageDigest == image.sha256)
            #expect(tasks.map(\.image) == [image, image])
        }
    }

    @Test(arguments: ManifestFormat.allCases)
    func `an image that changes after the check keeps its identity, and its new bytes are refused`(
        format: ManifestFormat
    ) throws {
        try withFolder {
            try write("a.png", Self.png + [1])
            let checked = try check(format)
            let before = try checked.manifest().tasks
            try write("a.png", Self.png + [2])
            let after = try checked.manifest().tasks
            #expect(after.map(\.key) == before.map(\.key) && after.map(\.request) == before.map(\.request))
            do {
                _ = try #require(after[0].image).bytes()
                Issue.record("the new bytes were taken for the old ones")
            } catch let failure as ManifestError {
                #expect(failure.problems[0].message == "\"a.png\" changed while the manifest was being read")
            }
            // Read again, it is another image and another task.
            #expect(Set(try check(format).manifest().tasks.map(\.key)).isDisjoint(with: before.map(\.key)))
        }
    }
}
