import Foundation

/// A tiny H.264 picture for each frame size: the parameter sets, and the same dark picture twice.
///
/// The bytes, in base64 in `frames.json`, are our own encoding of our own picture (a plain dark color), made for each
/// size `WxH` with
/// ```
/// ffmpeg -f lavfi -i "color=c=0x1c2a33:s=WxH:r=1" -frames:v 2 -c:v libx264 -preset veryslow -profile:v main
///   -pix_fmt yuv420p -qp 40 -x264-params "keyint=1:no-deblock=1" -bsf:v "filter_units=remove_types=6" -f h264 WxH.h264
/// ```
/// and split into NAL units. There are two pictures because consecutive IDR pictures must have different
/// `idr_pic_id`s (ITU-T H.264, 7.4.3).
struct H264Frame: Sendable {
    let width: Int
    let height: Int
    /// Sequence and picture parameter set: NAL units without start codes.
    let sequenceSet: [UInt8]
    let pictureSet: [UInt8]
    /// IDR slices for the even and the odd seconds of a clip.
    let slices: [[UInt8]]

    private struct Stored: Decodable {
        let sequenceSet: Data
        let pictureSet: Data
        let slices: [Data]
    }

    private static let stored: [String: Stored] = {
        do {
            return try JSONDecoder().decode([String: Stored].self, from: Data(PackageResources.frames_json))
        } catch {
            preconditionFailure("frames.json cannot be read: \(error)")
        }
    }()

    private init(_ width: Int, _ height: Int) {
        guard let stored = Self.stored["\(width)x\(height)"] else {
            preconditionFailure("frames.json has no picture of \(width)x\(height)")
        }
        self.width = width
        self.height = height
        sequenceSet = [UInt8](stored.sequenceSet)
        pictureSet = [UInt8](stored.pictureSet)
        slices = stored.slices.map { [UInt8]($0) }
    }

    /// The picture for a frame size; unknown values count as 720p and 16:9.
    static func of(resolution: String?, aspectRatio: String?) -> H264Frame {
        let (short, long) = resolution == "1080p" ? (1080, 1920) : (720, 1280)
        return switch aspectRatio {
        case "9:16": H264Frame(short, long)
        case "1:1": H264Frame(short, short)
        default: H264Frame(long, short)
        }
    }
}
