import Foundation
import Testing

/// The arrows of the architecture: what each target may import. A package would let more through than it lists.
struct ImportRulesTests {
    private static let nio = [
        "NIOConcurrencyHelpers", "NIOCore", "NIOFoundationCompat", "NIOHTTP1", "NIOPosix", "NIOSSL",
    ]

    static let allowed: [String: Set<String>] = [
        "DailiesCore": [],
        "ExactJSON": [],
        "DailiesManifest": ["DailiesCore", "ExactJSON", "Yams", "Crypto", "Foundation", "HeapModule"],
        "DailiesStore": ["DailiesCore", "CSQLite", "Dispatch", "Synchronization", "Glibc", "Darwin"],
        "ProviderWire": ["DailiesCore", "ExactJSON"],
        "DailiesProvider": Set(
            ["DailiesCore", "ProviderWire", "ExactJSON", "AsyncHTTPClient", "Crypto", "Foundation", "Synchronization"]
                + nio),
        "DailiesRunner": [
            "DailiesCore", "DailiesStore", "Dispatch", "HeapModule", "Crypto", "Synchronization", "Foundation",
            "Logging",
        ],
        "DailiesKit": [
            "DailiesCore", "DailiesManifest", "DailiesStore", "DailiesProvider", "DailiesRunner", "Foundation",
            "Logging",
        ],
        "ProviderSimulator": Set(
            [
                "DailiesCore", "ProviderWire", "ExactJSON", "DequeModule", "HeapModule", "Hummingbird",
                "HummingbirdCore", "Logging", "Foundation",
            ] + nio),
        "DailiesCLI": [
            "CBuildInfo", "DailiesCore", "ExactJSON", "DailiesManifest", "DailiesStore", "ProviderWire",
            "DailiesProvider",
            "DailiesRunner", "ProviderSimulator", "ArgumentParser", "Dispatch", "Foundation", "Logging",
            "Synchronization",
        ],
        "dailies": ["DailiesCLI"],
        "DailiesBenchmarks": [
            "DailiesCore", "ExactJSON", "DailiesManifest", "DailiesStore", "CSQLite", "DailiesProvider",
            "DailiesRunner",
            "ProviderSimulator", "ProviderWire", "AsyncHTTPClient", "ArgumentParser", "Dispatch", "Foundation",
            "HeapModule", "Logging",
            "NIOCore", "NIOHTTP1", "NIOPosix", "Synchronization",
        ],
    ]

    @Test func `every target imports only what its secret needs`() throws {
        var strays: [String] = []
        for (target, allowed) in Self.allowed.sorted(by: { $0.key < $1.key }) {
            for file in try Repository.swiftFiles(below: "Sources/\(target)") {
                for module in Self.imports(of: file) where !allowed.contains(module) {
                    strays.append("\(file.path) imports \(module)")
                }
            }
        }
        #expect(strays == [])
    }

    @Test func `every folder of Sources is a target with a list`() throws {
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: Repository.root.appendingPathComponent("Sources").path
        ).filter { !["CSQLite", "CBuildInfo"].contains($0) }
        #expect(folders.filter { Self.allowed[$0] == nil } == [])
        for target in Self.allowed.keys {
            #expect(try !Repository.swiftFiles(below: "Sources/\(target)").isEmpty, "\(target) has no file")
        }
    }

    @Test func `a stray import would be found`() {
        let file = Repository.SourceFile(
            path: "x",
            lines: ["import Foundation", "@testable import DailiesCore", "import struct Yams.Node", "  // import X"])
        #expect(Self.imports(of: file) == ["Foundation", "DailiesCore", "Yams"])
    }

    /// Modules named by import lines, whatever stands before `import` and however much of the module is taken.
    static func imports(of file: Repository.SourceFile) -> [String] {
        file.lines.compactMap { line in
            var words = line.split(separator: " ")
            while let first = words.first, first.hasPrefix("@") || ["public", "package", "internal"].contains(first) {
                words.removeFirst()
            }
            guard words.first == "import", words.count >= 2 else { return nil }
            let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
            let name = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
            return String(name.split(separator: ".")[0])
        }
    }
}
