import AsyncHTTPClient
import DailiesCore
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import ProviderWire

/// Puts an error of the network libraries into the words of a ``ProviderError``. Their own text never gets into one: it names their
/// types and numbers, and nobody who reads it knows what to do.
enum TransportFault {
    /// - Parameters:
    ///   - status: of the reply, where its head had come.
    ///   - place: who was to be reached: host and port, and the proxy on the way.
    ///   - redaction: applied to the message.
    static func make(
        _ error: any Error, status: Int? = nil, reaching place: String, redaction: Redactor
    ) -> ProviderError {
        let (kind, message) = words(error, place)
        return ProviderError(kind: kind, status: status, message: String(redaction(message).prefix(300)))
    }

    private static func words(_ error: any Error, _ place: String) -> (ProviderError.Kind, String) {
        switch error {
        case let error as HTTPClientError: words(error, place)
        case is CancellationError: (.timedOut, "the answer was not complete in time")
        case is NIOTooManyBytesError: (.unreadable, "the answer is longer than allowed")
        case let error as NIOConnectionError: (.unreachable, "cannot reach \(place): \(reason(error))")
        case HTTPParserError.invalidEOFState: (.broken, "the answer was cut")
        case is HTTPParserError: (.unreadable, "the answer is not HTTP")
        case let error as IOError where connectErrors.contains(error.errnoCode):
            (.unreachable, "cannot reach \(place): \(reason(error))")
        case let error as IOError: (.broken, "the connection to \(place) broke: \(reason(error))")
        case let error as NIOSSLError: (.unreachable, words(error, place))
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            (
                .unreachable,
                "the service's certificate is for a different host name; check the base URL"
            )
        case is NIOSSLExtraError, is BoringSSLError: (.unreachable, noTLS(place))
        case ChannelError.connectTimeout: (.unreachable, "cannot reach \(place): no connection in time")
        default: (.broken, "the connection to \(place) broke")
        }
    }

    private static func words(_ error: HTTPClientError, _ place: String) -> (ProviderError.Kind, String) {
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout: (.timedOut, "no answer in time")
        case .connectTimeout: (.unreachable, "cannot reach \(place): no connection in time")
        case .getConnectionFromPoolTimeout: (.unreachable, "cannot reach \(place): no free connection in time")
        case .remoteConnectionClosed: (.broken, "the service closed the connection without an answer")
        case .tlsHandshakeTimeout: (.unreachable, "cannot reach \(place): TLS was not set up in time")
        case .httpProxyHandshakeTimeout: (.unreachable, "cannot reach \(place): the proxy did not answer in time")
        case .proxyAuthenticationRequired:
            (.unreachable, "cannot reach \(place): the proxy wants another user name and password (407)")
        case .invalidProxyResponse: (.unreachable, "cannot reach \(place): the proxy does not let it through")
        case .alreadyShutdown, .shutdownUnsupported, .cancelled: (.broken, "the client was shut down")
        default: (.broken, "the connection to \(place) broke")
        }
    }

    private static func words(_ error: NIOSSLError, _ place: String) -> String {
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
        "cannot reach \(place): TLS could not be set up; does it speak https?"
    }

    private static func reason(_ error: NIOConnectionError) -> String {
        if error.connectionErrors.isEmpty { return "its name was not found" }
        var reasons: [String] = []
        for failure in error.connectionErrors.map(\.error) {
            let words =
                switch failure {
                case let failure as IOError: reason(failure)
                case ChannelError.connectTimeout: "no connection in time"
                default: "no connection"
                }
            if !reasons.contains(words) { reasons.append(words) }
        }
        return reasons.prefix(2).joined(separator: "; ")
    }

    /// In the system's words: `connection refused`.
    private static func reason(_ error: IOError) -> String {
        let words = String(cString: strerror(error.errnoCode))
        return words.prefix(1).lowercased() + words.dropFirst()
    }

    private static let connectErrors: Set<CInt> = [
        ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, EADDRNOTAVAIL, ETIMEDOUT,
    ]
}
