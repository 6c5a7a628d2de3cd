import Foundation
import NIOSSL

@testable import DailiesProvider

/// A certificate that nobody vouches for, and its key, which guards nothing.
///
/// Made by `openssl ca -selfsign -startdate … -enddate …`, with basicConstraints=critical,CA:TRUE.
struct TestCertificate: Sendable {
    enum Kind: Sendable {
        /// For 127.0.0.1, until 2126.
        case good
        /// For 127.0.0.1, valid on the first day of 2020.
        case expired
        /// For render.example, until 2126.
        case ofAnotherName
    }
    var kind = Kind.good

    func serverContext() throws -> NIOSSLContext {
        let key = try NIOSSLPrivateKey(bytes: Array(Self.key.utf8), format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: [.certificate(try certificate())], privateKey: .privateKey(key)))
    }

    /// Network settings that trust only this certificate.
    func network() throws -> NetworkSettings {
        var network = NetworkSettings()
        try network.trustOnly(file: try file())
        return network
    }

    /// A file with the certificate.
    func file() throws -> String { try Self.file(holding: text) }

    /// - Parameter text: nil if the file does not exist.
    static func file(holding text: String?) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).pem")
        if let text { try Data(text.utf8).write(to: file) }
        return file.path
    }

    private func certificate() throws -> NIOSSLCertificate {
        try NIOSSLCertificate(bytes: Array(text.utf8), format: .pem)
    }

    private var text: String {
        switch kind {
        case .good: Self.good
        case .expired: Self.expired
        case .ofAnotherName: Self.ofAnotherName
        }
    }

    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHQ2JntIyLAc/6JCO
        XQiRHyzHtGphdlHC3K8bCDlWfEihRANCAAQ96htkLaf149eMwgMTRCkxF1G6Dku5
        lJR7hXE2SQQzCjmU60AjIMhVw0867HW3h5vYAvZM6J7qZXe1lsuyyR9n
        -----END PRIVATE KEY-----
        """

    private static let good = """
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

    private static let expired = """
        -----BEGIN CERTIFICATE-----
        MIIBWzCCAQCgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAkxMjcuMC4w
        LjEwHhcNMjAwMTAxMDAwMDAwWhcNMjAwMTAyMDAwMDAwWjAUMRIwEAYDVQQDDAkx
        MjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ96htkLaf149eMwgMT
        RCkxF1G6Dku5lJR7hXE2SQQzCjmU60AjIMhVw0867HW3h5vYAvZM6J7qZXe1lsuy
        yR9no0MwQTAPBgNVHRMBAf8EBTADAQH/MA8GA1UdEQQIMAaHBH8AAAEwHQYDVR0O
        BBYEFGV66Fn1rF3dGSVSNy0Hu3EfeT9cMAoGCCqGSM49BAMCA0kAMEYCIQCLaidk
        WeXmJrgRd4NpOqfNulI9qYecHw5eJG/GGJc0OwIhAPzRBN54qCOElglPBrI6Aexd
        pQAwaQ8pE5SwWsXfWrMi
        -----END CERTIFICATE-----
        """

    private static let ofAnotherName = """
        -----BEGIN CERTIFICATE-----
        MIIBcDCCARagAwIBAgIBAjAKBggqhkjOPQQDAjAZMRcwFQYDVQQDDA5yZW5kZXIu
        ZXhhbXBsZTAgFw0yNjAxMDEwMDAwMDBaGA8yMTI2MDEwMTAwMDAwMFowGTEXMBUG
        A1UEAwwOcmVuZGVyLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ9
        6htkLaf149eMwgMTRCkxF1G6Dku5lJR7hXE2SQQzCjmU60AjIMhVw0867HW3h5vY
        AvZM6J7qZXe1lsuyyR9no00wSzAPBgNVHRMBAf8EBTADAQH/MBkGA1UdEQQSMBCC
        DnJlbmRlci5leGFtcGxlMB0GA1UdDgQWBBRleuhZ9axd3RklUjctB7txH3k/XDAK
        BggqhkjOPQQDAgNIADBFAiEAqmIWWdHIRsbTnIUSQU+v+xz2zwxdf90JWD1vaQCA
        0/oCIBpCjTFxvRhuykde+DAQ5Sid9qpa4y2vVLAbljrewtQn
        -----END CERTIFICATE-----
        """
}
