// swift-tools-version: 6.2
import PackageDescription

// Fuzzes the parsers of manifests, provider responses and clips with libFuzzer: see `.ci/fuzz`. A separate package,
// since all of it is compiled with a sanitizer; its sources are links to those of the program.
let package = Package(
    name: "fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        .target(name: "DailiesCore"),
        .target(name: "ExactJSON"),
        // Replaces swift-crypto, which takes long to build: the parsers are fuzzed, not the hash.
        .target(name: "Crypto"),
        .target(
            name: "DailiesManifest",
            dependencies: [
                "DailiesCore", "ExactJSON", "Crypto", .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Yams", package: "Yams"),
            ], resources: [.embedInCode("manifest.schema.json")]),
        .target(name: "ProviderWire", dependencies: ["DailiesCore", "ExactJSON"]),
        // `ClipFormat.swift`, `MP4Validator.swift` and `MatroskaValidator.swift` are files of the runner, which as a
        // whole would need SQLite.
        .executableTarget(name: "fuzz", dependencies: ["DailiesCore", "ExactJSON", "DailiesManifest", "ProviderWire"]),
    ]
)
