// swift-tools-version: 6.2
import PackageDescription

// The readers of manifests, of what a provider sends and of clips under libFuzzer: see `.ci/fuzz`. Apart from the
// program's own package, since all of it is compiled with a sanitizer; the sources are the same ones, through links.
let package = Package(
    name: "fuzz",
    dependencies: [.package(url: "https://github.com/jpsim/Yams", exact: "6.2.2")],
    targets: [
        .target(name: "DailiesCore"),
        .target(name: "ExactJSON"),
        // Stands in for swift-crypto: the readers are fuzzed here, not the hash, and it builds in no time.
        .target(name: "Crypto"),
        .target(
            name: "DailiesManifest",
            dependencies: ["DailiesCore", "ExactJSON", "Crypto", .product(name: "Yams", package: "Yams")]),
        .target(name: "ProviderWire", dependencies: ["DailiesCore", "ExactJSON"]),
        // `ClipFormat.swift`, `MP4Validator.swift` and `MatroskaValidator.swift` are files of the runner, which as a whole would bring SQLite along.
        .executableTarget(name: "fuzz", dependencies: ["DailiesCore", "ExactJSON", "DailiesManifest", "ProviderWire"]),
    ]
)
