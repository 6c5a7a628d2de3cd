import AsyncHTTPClient
import DailiesCore
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import ProviderWire

/// Errors of the network libraries, with messages for users. The libraries' own texts are not included: they contain type
/// names and numbers that do not help.
extension ProviderError {
    /// - Parameters:
    ///   - status: of the response, if its head was received.
    ///   - place: the destination: host and port, and the proxy if any.
    ///   - redaction: applied to the message.
    init(transport error: any Error, status: Int? = nil, reaching place: String, redaction: Redactor) {
        let (kind, message) = Self.describe(error, place)
        self.init(kind: kind, status: status, message: String(redaction(message).prefix(300)))
    }

    private static func describe(_ error: any Error, _ place: String) -> (ProviderError.Kind, String) {
        switch error {
        case let error as HTTPClientError: describe(error, place)
        case is CancellationError: (.timedOut, "the response was not complete in time")
        case is NIOTooManyBytesError: (.unreadable, "the response is longer than allowed")
        case let error as NIOConnectionError: (.unreachable, "cannot reach \(place): \(reason(error))")
        case HTTPParserError.invalidEOFState: (.broken, "the response was truncated")
        case is HTTPParserError: (.unreadable, "the response is not HTTP")
        case let error as IOError where connectErrors.contains(error.errnoCode):
            (.unreachable, "cannot reach \(place): \(reason(error))")
        case let error as IOError: (.broken, "the connection to \(place) was lost: \(reason(error))")
        case let error as NIOSSLError: (.unreachable, describe(error, place))
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            (
                .unreachable,
                "the service's certificate is for a different host name; check the base URL"
            )
        case is NIOSSLExtraError, is BoringSSLError: (.unreachable, noTLS(place))
        case ChannelError.connectTimeout: (.unreachable, "cannot reach \(place): the connection timed out")
        default: (.broken, "the connection to \(place) was lost")
        }
    }

    private static func describe(_ error: HTTPClientError, _ place: String) -> (ProviderError.Kind, String) {
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout: (.timedOut, "no response in time")
        case .connectTimeout: (.unreachable, "cannot reach \(place): the connection timed out")
        case .getConnectionFromPoolTimeout: (.unreachable, "cannot reach \(place): no free connection in time")
        case .remoteConnectionClosed: (.broken, "the service closed the connection without a response")
        case .tlsHandshakeTimeout: (.unreachable, "cannot reach \(place): the TLS handshake timed out")
        case .httpProxyHandshakeTimeout: (.unreachable, "cannot reach \(place): the proxy did not respond in time")
        case .proxyAuthenticationRequired:
            (.unreachable, "cannot reach \(place): the proxy rejected the user name and password (407)")
        case .invalidProxyResponse: (.unreachable, "cannot reach \(place): the proxy refused the connection")
        case .alreadyShutdown, .shutdownUnsupported, .cancelled: (.broken, "the client was shut down")
        default: (.broken, "the connection to \(place) was lost")
        }
    }

    private static func describe(_ error: NIOSSLError, _ place: String) -> String {
        let isRefused =
            switch error {
            case .handshakeFailed(.sslError(let errors)): errors.contains { "\($0)".contains(Self.verifyFailed) }
            case .noCertificateToValidate, .unableToValidateCertificate: true
            default: false
            }
        guard isRefused else { return noTLS(place) }
        return "the service's certificate is not trusted: its issuer is unknown to this machine, or it has expired, or "
            + "it is not valid yet; check this machine's clock and CA certificates"
    }
    /// The library does not say why.
    private static let verifyFailed = "CERTIFICATE_VERIFY_FAILED"

    private static func noTLS(_ place: String) -> String {
        "cannot reach \(place): the TLS handshake failed; check that it uses https"
    }

    private static func reason(_ error: NIOConnectionError) -> String {
        if error.connectionErrors.isEmpty { return "the host name was not found" }
        var reasons: [String] = []
        for failure in error.connectionErrors.map(\.error) {
            let message =
                switch failure {
                case let failure as IOError: reason(failure)
                case ChannelError.connectTimeout: "the connection timed out"
                default: "no connection"
                }
            if !reasons.contains(message) { reasons.append(message) }
        }
        return reasons.prefix(2).joined(separator: "; ")
    }

    /// The system's message: `connection refused`.
    private static func reason(_ error: IOError) -> String {
        let message = String(cString: strerror(error.errnoCode))
        return message.prefix(1).lowercased() + message.dropFirst()
    }

    private static let connectErrors: Set<CInt> = [
        ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, EADDRNOTAVAIL, ETIMEDOUT,
    ]
}
