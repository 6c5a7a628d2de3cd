import AsyncHTTPClient
import NIOSSL

/// A certificate for 127.0.0.1 that nobody vouches for, and its key, which guards nothing. Both hold until 2126.
///
/// Made by `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=127.0.0.1
/// -addext subjectAltName=IP:127.0.0.1`.
struct TestCertificate: Sendable {
    func serverContext() throws -> NIOSSLContext {
        let key = try NIOSSLPrivateKey(bytes: Array(Self.key.utf8), format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: [.certificate(try certificate())], privateKey: .privateKey(key)))
    }

    /// A client that trusts this certificate and no other.
    func trustingClient() throws -> HTTPClient {
        var settings = HTTPClient.Configuration()
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates([try certificate()])
        settings.tlsConfiguration = tls
        settings.redirectConfiguration = .disallow
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
    }

    private func certificate() throws -> NIOSSLCertificate {
        try NIOSSLCertificate(bytes: Array(Self.certificate.utf8), format: .pem)
    }

    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHQ2JntIyLAc/6JCO
        XQiRHyzHtGphdlHC3K8bCDlWfEihRANCAAQ96htkLaf149eMwgMTRCkxF1G6Dku5
        lJR7hXE2SQQzCjmU60AjIMhVw0867HW3h5vYAvZM6J7qZXe1lsuyyR9n
        -----END PRIVATE KEY-----
        """

    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBjzCCATagAwIBAgIUeKRawguV5IkHPEF7RiVNqKwBgMkwCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMzA5MjMxNFoYDzIxMjYxMDMw
        MDkyMzE0WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAAQ96htkLaf149eMwgMTRCkxF1G6Dku5lJR7hXE2SQQzCjmU60AjIMhV
        w0867HW3h5vYAvZM6J7qZXe1lsuyyR9no2QwYjAdBgNVHQ4EFgQUZXroWfWsXd0Z
        JVI3LQe7cR95P1wwHwYDVR0jBBgwFoAUZXroWfWsXd0ZJVI3LQe7cR95P1wwDwYD
        VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0cAMEQC
        IFL4HWPAAADqLHmt9hZAR0hJVqm0YqQ2/23jGCEE3dGFAiABZ1tUNhOcOKSClUGN
        N/0TZ3Zt+Cffv+Kl1YiFYNRB1w==
        -----END CERTIFICATE-----
        """
}
