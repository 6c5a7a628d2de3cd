// swift-tools-version: 6.2
import PackageDescription

// Every arrow below points one way; `Tests/TidyTests` holds the list of imports that each target may use.
// SwiftPM lets an import through that a dependency brings along, so that the list, not the compiler, is the law.

/// What holds for all our own code: Swift 6 language mode (the default of these tools), and no warning gets through.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioConcurrencyHelpers = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

/// `DAILIES_COMMIT=$(git rev-parse --short HEAD) swift build …` makes `dailies --version` name the commit.
let commit = (Context.environment["DAILIES_COMMIT"] ?? "").filter { $0.isASCII && ($0.isLetter || $0.isNumber) }

let package = Package(
    name: "dailies",
    products: [
        .executable(name: "dailies", targets: ["dailies"]),
        .library(
            name: "DailiesKit",
            targets: ["DailiesCore", "DailiesManifest", "DailiesStore", "DailiesProvider", "DailiesRunner"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
    ],
    targets: [
        // The rules: life cycle, scheduling, limits, cadence, retry, budget, recovery, credits, identity. Imports nothing.
        .target(name: "DailiesCore", swiftSettings: strict),

        // JSON as tokens: raw text of numbers, line and column, duplicate keys seen.
        .target(name: "ExactJSON", swiftSettings: strict),

        // What a manifest looks like: JSONL, JSON, YAML, CSV.
        .target(
            name: "DailiesManifest", dependencies: ["DailiesCore", "ExactJSON", yams, crypto], swiftSettings: strict),

        // The system's libsqlite3, nothing in between.
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite3"])]),

        // SQL and SQLite: the only place with a statement in it.
        .target(
            name: "DailiesStore", dependencies: ["DailiesCore", "CSQLite"],
            resources: [.embedInCode("../../schema.sql")], swiftSettings: strict),

        // The API's bodies in both dialects, its paths and its headers.
        .target(name: "ProviderWire", dependencies: ["DailiesCore", "ExactJSON"], swiftSettings: strict),

        // HTTP, the key, and the embedded model catalogue.
        .target(
            name: "DailiesProvider",
            dependencies: [
                "DailiesCore", "ProviderWire", "ExactJSON", asyncHTTPClient, crypto, nioCore, nioHTTP1, nioPosix,
                nioSSL,
            ],
            resources: [.embedInCode("Catalogue/models.json")], swiftSettings: strict),

        // Dispatch, timers, threads, files, the download lane.
        .target(
            name: "DailiesRunner", dependencies: ["DailiesCore", "DailiesStore", crypto, heap, logging],
            swiftSettings: strict),

        // How a provider behaves and misbehaves: a pure machine, and a server around it.
        .target(
            name: "ProviderSimulator",
            dependencies: [
                "DailiesCore", "ProviderWire", "ExactJSON", hummingbird, hummingbirdCore, logging,
                nioConcurrencyHelpers,
                nioCore, nioPosix,
            ],
            swiftSettings: strict),

        // What the program knows of its own build.
        .target(
            name: "CBuildInfo", cSettings: commit.isEmpty ? [] : [.define("DAILIES_COMMIT", to: "\"\(commit)\"")]),

        // Arguments, terminal, reports; `Composition.swift` is the one place where concrete types meet.
        .target(
            name: "DailiesCLI",
            dependencies: [
                "CBuildInfo", "DailiesCore", "ExactJSON", "DailiesManifest", "DailiesStore", "ProviderWire",
                "DailiesProvider",
                "DailiesRunner", "ProviderSimulator", argumentParser, logging,
            ],
            resources: [.embedInCode("Commands/Sheet/sheet.css"), .embedInCode("Commands/Sheet/sheet.js")],
            swiftSettings: strict),

        // The executable: a few lines.
        .executableTarget(name: "dailies", dependencies: ["DailiesCLI"], swiftSettings: strict),

        // Measurements with recorded results; asks for `-c release`.
        .executableTarget(
            name: "DailiesBenchmarks",
            dependencies: [
                "DailiesCore", "ExactJSON", "DailiesManifest", "CSQLite", "DailiesStore", "ProviderWire",
                "DailiesProvider", "DailiesRunner", "ProviderSimulator", "dailies", argumentParser, asyncHTTPClient,
                logging, nioCore, nioHTTP1, nioPosix,
            ],
            exclude: ["Python", "Results"], swiftSettings: strict),

        // Each target's tests know that target and what it speaks to, and nothing above it.
        test("DailiesCore"),
        test("ExactJSON"),
        test("DailiesManifest", "DailiesCore", "ExactJSON"),
        test("DailiesStore", "DailiesCore", "CSQLite"),
        test("ProviderWire", "DailiesCore", "ExactJSON"),
        .testTarget(
            name: "DailiesProviderTests",
            dependencies: [
                "DailiesProvider", "DailiesCore", "ProviderWire", "ExactJSON", asyncHTTPClient, nioConcurrencyHelpers,
                nioCore, nioHTTP1, nioPosix, nioSSL,
            ], swiftSettings: strict),
        test("ProviderSimulator", "DailiesCore", "ProviderWire", "ExactJSON"),
        test("DailiesRunner", "DailiesCore", "DailiesStore"),
        test("DailiesCLI", "DailiesCore", "DailiesManifest", "DailiesStore"),

        // The library as other programs embed it: from the bytes of a manifest into a store.
        .testTarget(
            name: "DailiesKitTests",
            dependencies: ["DailiesManifest", "DailiesProvider", "DailiesStore", "DailiesCore"],
            swiftSettings: strict),

        // A program around the library, and a provider of its own: only what is public, as from another package.
        .testTarget(
            name: "EmbeddingTests",
            dependencies: [
                "DailiesCore", "DailiesManifest", "DailiesStore", "DailiesProvider", "DailiesRunner",
                "ProviderSimulator", logging,
            ], packageAccess: false, swiftSettings: strict),

        // What holds for the whole repository: imports, names, documentation, recorded results.
        .testTarget(name: "TidyTests", swiftSettings: strict),

        // The whole program under a seed: real core, runner and store, the simulator's machine, manual time, crashes.
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "DailiesCore", "DailiesRunner", "DailiesStore", "ExactJSON", "ProviderSimulator", "ProviderWire",
                crypto, logging,
            ],
            swiftSettings: strict),

        // The built programs as processes, killed with SIGKILL.
        .testTarget(
            name: "ProcessTests", dependencies: ["dailies", "DailiesCore", "ExactJSON", "CSQLite"],
            swiftSettings: strict),

        // Each command of the built program, on real stores against the real simulator.
        .testTarget(
            name: "EndToEndTests", dependencies: ["dailies", "DailiesStore", "DailiesCore", "ExactJSON"],
            exclude: ["Golden"],
            swiftSettings: strict),
    ]
)

/// The tests of one target.
func test(_ name: String, _ others: String...) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: ([name] + others).map { .byName(name: $0) }, swiftSettings: strict)
}
