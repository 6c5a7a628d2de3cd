import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL

/// The HTTP clients for one purpose, with and without a proxy.
struct HTTPClients: Sendable {
    /// How a request to an address is sent with the network library.
    struct Way: Sendable {
        let client: HTTPClient
        let url: String
        let headers: HTTPHeaders
        /// The destination, for messages.
        let destination: String
    }

    /// Connects directly, or to a proxy for plain http.
    private let direct: HTTPClient
    /// Connects through the https proxy.
    private let tunnel: HTTPClient?
    private let network: NetworkSettings

    init(_ configuration: ProviderConfiguration, connections: Int, on loop: any EventLoop) {
        network = configuration.network
        var settings = Self.settings(configuration, connections: connections)
        direct = HTTPClient(eventLoopGroupProvider: .shared(loop), configuration: settings)
        guard let proxy = network.secureProxy else {
            tunnel = nil
            return
        }
        settings.proxy = .server(
            host: proxy.server.host, port: proxy.server.port,
            authorization: proxy.credentials.map { .basic(credentials: $0) })
        tunnel = HTTPClient(eventLoopGroupProvider: .shared(loop), configuration: settings)
    }

    private static func settings(_ configuration: ProviderConfiguration, connections: Int) -> HTTPClient.Configuration {
        var settings = HTTPClient.Configuration()
        settings.httpVersion = .http1Only
        settings.redirectConfiguration = .disallow
        settings.decompression = .disabled
        settings.timeout = HTTPClient.Configuration.Timeout(connect: configuration.connectTimeout.timeAmount)
        settings.connectionPool.idleTimeout = configuration.idleTimeout.timeAmount
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        settings.connectionPool.retryConnectionEstablishment = false
        settings.http1_1ConnectionDebugInitializer = StatusValidator.add
        if let trust = configuration.network.trust {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .certificates(trust.certificates)
            settings.tlsConfiguration = tls
        }
        return settings
    }

    /// - Parameter target: see ``ServiceURL/target``.
    func way(to place: ServiceURL, target: String) -> Way {
        guard let proxy = network.proxy(for: place) else {
            return Way(
                client: direct, url: place.origin, headers: [RequestTarget.field: target], destination: place.place)
        }
        let destination = "\(place.place) through the proxy \(proxy)"
        guard place.isPlain else {
            return Way(
                client: tunnel ?? direct, url: place.origin, headers: [RequestTarget.field: target],
                destination: destination)
        }
        // A proxy needs the absolute URL for plain http.
        var headers: HTTPHeaders = ["host": place.place, RequestTarget.field: "http://\(place.place)\(target)"]
        if let credentials = proxy.credentials {
            headers.add(name: "proxy-authorization", value: "Basic \(credentials)")
        }
        return Way(client: direct, url: proxy.server.origin, headers: headers, destination: destination)
    }

    var eventLoopGroup: any EventLoopGroup { direct.eventLoopGroup }

    func shutdown() async {
        for client in [direct, tunnel].compactMap({ $0 }) {
            do {
                try await client.shutdown()
            } catch {
                // Ignore errors: it was already shut down, or a connection broke while closing.
                continue
            }
        }
    }
}
