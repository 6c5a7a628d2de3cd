// swift-tools-version: 6.2
import PackageDescription

// Dependencies between targets have no cycles. `Tests/TidyTests` lists the imports that each target may use, since
// SwiftPM also allows imports of indirect dependencies.

/// Settings of all our targets: Swift 6 language mode (the default of this tools version), and warnings are errors.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
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

/// `DAILIES_COMMIT=$(git rev-parse --short HEAD) swift build …` adds the commit to `dailies --version`.
let commit = (Context.environment["DAILIES_COMMIT"] ?? "").filter { $0.isASCII && ($0.isLetter || $0.isNumber) }

/// With `DAILIES_EXACT=1` every dependency has exactly the version named here, as in this repository's checks. Otherwise
/// a newer compatible one is allowed, so that other packages can use this one.
let isExact = Context.environment["DAILIES_EXACT"] == "1"

func dependency(_ url: String, _ version: Version) -> Package.Dependency {
    isExact ? .package(url: url, exact: version) : .package(url: url, from: version)
}

let package = Package(
    name: "dailies",
    products: [
        .executable(name: "dailies", targets: ["dailies"]),
        .library(name: "DailiesKit", targets: ["DailiesKit"]),
    ],
    dependencies: [
        dependency("https://github.com/apple/swift-argument-parser", "1.8.2"),
        dependency("https://github.com/apple/swift-collections", "1.6.0"),
        dependency("https://github.com/apple/swift-crypto", "4.5.2"),
        dependency("https://github.com/apple/swift-log", "1.16.2"),
        dependency("https://github.com/apple/swift-nio", "2.101.2"),
        dependency("https://github.com/apple/swift-nio-ssl", "2.37.6"),
        dependency("https://github.com/hummingbird-project/hummingbird", "2.28.1"),
        dependency("https://github.com/jpsim/Yams", "6.2.2"),
        dependency("https://github.com/swift-server/async-http-client", "1.37.0"),
    ],
    targets: [
        // The rules: life cycle, scheduling, limits, polling, retries, budgets, recovery, credits, identity. No
        // imports.
        .target(name: "DailiesCore", swiftSettings: strict),

        // Exact JSON: numbers as text, line and column, duplicate keys.
        .target(name: "ExactJSON", swiftSettings: strict),

        // Manifest formats: JSONL, JSON, YAML, CSV.
        .target(
            name: "DailiesManifest", dependencies: ["DailiesCore", "ExactJSON", crypto, heap, yams],
            resources: [.embedInCode("manifest.schema.json")], swiftSettings: strict),

        // The system's libsqlite3.
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite3"])]),

        // SQL and SQLite: the only target with SQL statements.
        .target(
            name: "DailiesStore", dependencies: ["DailiesCore", "CSQLite"],
            resources: [.embedInCode("../../schema.sql")], swiftSettings: strict),

        // The API's bodies in both dialects, its paths and headers.
        .target(name: "ProviderWire", dependencies: ["DailiesCore", "ExactJSON"], swiftSettings: strict),

        // HTTP, the key, and the embedded model catalog.
        .target(
            name: "DailiesProvider",
            dependencies: [
                "DailiesCore", "ProviderWire", "ExactJSON", asyncHTTPClient, crypto, nioCore, nioHTTP1, nioPosix,
                nioSSL,
            ],
            resources: [.embedInCode("Catalog/models.json")], swiftSettings: strict),

        // Dispatch, timers, threads, files, downloads.
        .target(
            name: "DailiesRunner", dependencies: ["DailiesCore", "DailiesStore", crypto, heap, logging],
            swiftSettings: strict),

        // The library for other programs: one import, and runs in a few lines.
        .target(
            name: "DailiesKit",
            dependencies: [
                "DailiesCore", "DailiesManifest", "DailiesStore", "DailiesProvider", "DailiesRunner", logging,
            ],
            swiftSettings: strict),

        // A simulated provider with faults: a pure state machine, and a server for it.
        .target(
            name: "ProviderSimulator",
            dependencies: [
                "DailiesCore", "ProviderWire", "ExactJSON", deque, heap, hummingbird, hummingbirdCore, logging,
                nioConcurrencyHelpers, nioCore, nioPosix,
            ],
            resources: [.embedInCode("Clips/frames.json")], swiftSettings: strict),

        // The commit of the build.
        .target(
            name: "CBuildInfo", cSettings: commit.isEmpty ? [] : [.define("DAILIES_COMMIT", to: "\"\(commit)\"")]),

        // Arguments, terminal, reports. Only `Composition.swift` combines concrete types.
        .target(
            name: "DailiesCLI",
            dependencies: [
                "CBuildInfo", "DailiesCore", "ExactJSON", "DailiesManifest", "DailiesStore", "ProviderWire",
                "DailiesProvider",
                "DailiesRunner", "ProviderSimulator", argumentParser, logging,
            ],
            resources: [
                .embedInCode("Commands/Report/report.css"), .embedInCode("Commands/Sheet/sheet.css"),
                .embedInCode("Commands/Sheet/sheet.js"),
            ],
            swiftSettings: strict),

        // The executable.
        .executableTarget(name: "dailies", dependencies: ["DailiesCLI"], swiftSettings: strict),

        // Benchmarks with recorded results; build with `-c release`.
        .executableTarget(
            name: "DailiesBenchmarks",
            dependencies: [
                "DailiesCore", "ExactJSON", "DailiesManifest", "CSQLite", "DailiesStore", "ProviderWire",
                "DailiesProvider", "DailiesRunner", "ProviderSimulator", "dailies", argumentParser, asyncHTTPClient,
                heap,
                logging, nioCore, nioHTTP1, nioPosix,
            ],
            exclude: ["Python", "Results"], swiftSettings: strict),

        // A target's tests depend on that target and its dependencies, not on higher targets.
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

        // The library as embedded by other programs: from the bytes of a manifest to a store.
        .testTarget(
            name: "DailiesKitTests",
            dependencies: ["DailiesManifest", "DailiesProvider", "DailiesStore", "DailiesCore"],
            swiftSettings: strict),

        // A program with the library and a custom provider. Uses only the public API, like another package.
        .testTarget(
            name: "EmbeddingTests", dependencies: ["DailiesKit", "TestSupport", "dailies"], packageAccess: false,
            swiftSettings: strict),

        // Rules for the whole repository: imports, names, documentation, recorded results.
        .testTarget(name: "TidyTests", swiftSettings: strict),

        // What tests of the built program share: folders, processes, the simulator, sockets, terminals.
        .target(
            name: "TestSupport", dependencies: ["ExactJSON", "CSQLite"], path: "Tests/Support", swiftSettings: strict),

        // Seeded simulations of the whole program: real core, runner and store, simulated provider, manual time,
        // crashes.
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "DailiesCore", "DailiesRunner", "DailiesStore", "ExactJSON", "ProviderSimulator", "ProviderWire",
                crypto, logging,
            ],
            swiftSettings: strict),

        // The built programs as processes, killed with SIGKILL.
        .testTarget(
            name: "ProcessTests", dependencies: ["TestSupport", "dailies", "DailiesCore", "ExactJSON", "CSQLite"],
            swiftSettings: strict),

        // Every command of the built program, on real stores with the real simulator.
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["TestSupport", "dailies", "DailiesStore", "DailiesCore", "ExactJSON"],
            exclude: ["Golden"],
            swiftSettings: strict),
    ]
)

/// The tests of one target.
func test(_ name: String, _ others: String...) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: ([name] + others).map { .byName(name: $0) }, swiftSettings: strict)
}
