import AsyncHTTPClient
import DailiesCore
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import ProviderWire

/// Puts an error of the HTTP client into the words of a ``Fault``.
enum TransportFault {
    /// - Parameters:
    ///   - status: of the reply, where its head had come.
    ///   - redaction: applied to the message.
    static func make(_ error: any Error, status: Int? = nil, redaction: Redaction) -> Fault {
        let (kind, message) = words(error)
        return Fault(kind: kind, status: status, message: String(redaction(message).prefix(300)))
    }

    private static func words(_ error: any Error) -> (Fault.Kind, String) {
        switch error {
        case let error as HTTPClientError: words(error)
        case is CancellationError: (.timedOut, "the answer was not complete in time")
        case is NIOTooManyBytesError: (.unreadable, "the answer is longer than allowed")
        case let error as NIOConnectionError: (.unreachable, words(error))
        case let error as HTTPParserError:
            error == .invalidEOFState
                ? (.broken, "the answer was cut") : (.unreadable, "the answer is not HTTP: \(error)")
        case let error as IOError where connectErrors.contains(error.errnoCode):
            (.unreachable, "no connection: \(error)")
        case let error as IOError: (.broken, "the connection broke: \(error)")
        case let error as NIOSSLError: (.unreachable, words(error))
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            (
                .unreachable,
                "the service's certificate is for a different host name; check the base URL"
            )
        case is NIOSSLExtraError: (.unreachable, "TLS failed: \(error)")
        case ChannelError.connectTimeout: (.unreachable, "no connection in time")
        default: (.broken, "the request failed: \(error)")
        }
    }

    private static func words(_ error: HTTPClientError) -> (Fault.Kind, String) {
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout: (.timedOut, "no answer in time")
        case .connectTimeout: (.unreachable, "no connection in time")
        case .getConnectionFromPoolTimeout: (.unreachable, "no free connection in time")
        case .remoteConnectionClosed: (.broken, "the service closed the connection without an answer")
        case .tlsHandshakeTimeout: (.unreachable, "TLS was not set up in time")
        case .alreadyShutdown, .shutdownUnsupported, .cancelled: (.broken, "the client was shut down")
        default: (.broken, "the request failed: \(error)")
        }
    }

    private static func words(_ error: NIOSSLError) -> String {
        let isRefused =
            switch error {
            case .handshakeFailed(.sslError(let errors)): errors.contains { "\($0)".contains(Self.verifyFailed) }
            case .noCertificateToValidate, .unableToValidateCertificate: true
            default: false
            }
        guard isRefused else { return "TLS failed: \(error)" }
        return "the service's certificate is not trusted: its issuer is unknown to this machine, or it has expired, or "
            + "it is not valid yet; check this machine's clock and CA certificates"
    }
    /// The library does not say why.
    private static let verifyFailed = "CERTIFICATE_VERIFY_FAILED"

    private static func words(_ error: NIOConnectionError) -> String {
        if let failure = error.dnsAError ?? error.dnsAAAAError { return "the host's name was not found: \(failure)" }
        let causes = error.connectionErrors.prefix(2).map { "\($0.error)" }
        return "no connection: \(causes.joined(separator: "; "))"
    }

    private static let connectErrors: Set<CInt> = [
        ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, EADDRNOTAVAIL, ETIMEDOUT,
    ]
}
