// The C half of the crate: structures of libvpx, whose layout changes from version to version, stay
// here, where its own headers describe them.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <vpx/vp8cx.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vpx_encoder.h>

// What frames are for; the same as `Purpose` in encoder.rs.
enum { FOR_LAYERS = 0, FOR_REALTIME = 1, FOR_GOOD = 2 };

// The same as `RawSettings` in encoder.rs.
typedef struct {
  uint32_t vp9;
  uint32_t purpose;
  uint32_t width;
  uint32_t height;
  uint32_t ticks_per_second;
  uint32_t kilobits;
  uint32_t resilient;
  int32_t speed;
} plenary_vpx_settings;

// The same as `RawPicture` in picture.rs.
typedef struct {
  const uint8_t *planes[3];
  size_t strides[3];
  uint32_t width;
  uint32_t height;
} plenary_vpx_picture;

// The same as `RawFrame` in encoder.rs.
typedef struct {
  const uint8_t *data;
  size_t len;
  uint32_t is_keyframe;
} plenary_vpx_frame;

typedef struct {
  vpx_codec_ctx_t codec;
  vpx_codec_enc_cfg_t config;
  unsigned long deadline;
} plenary_vpx_encoder;

static vpx_codec_err_t set_controls(vpx_codec_ctx_t *codec, const plenary_vpx_settings *settings) {
  const int layers = settings->purpose == FOR_LAYERS;
  vpx_codec_err_t error = vpx_codec_control(codec, VP8E_SET_CPUUSED, settings->speed);
  // A keyframe may cost as much as five frames, for the sake of loops that are short.
  if (!error) error = vpx_codec_control(codec, VP8E_SET_MAX_INTRA_BITRATE_PCT, 500u);
  // The segment map of adaptive quantisation would depend on frames that a server drops.
  const unsigned int aq_mode = layers ? 0u : settings->purpose == FOR_REALTIME ? 3u : 0u;
  if (!error && settings->vp9) error = vpx_codec_control(codec, VP9E_SET_AQ_MODE, aq_mode);
  if (!error && settings->vp9) error = vpx_codec_control(codec, VP9E_SET_TILE_COLUMNS, 0);
  if (error || layers) return error;

  // Most of a composite stands still: what is as it was is not looked at twice.
  const unsigned int static_threshold = settings->purpose == FOR_REALTIME ? 1u : 0u;
  error = vpx_codec_control(codec, VP8E_SET_STATIC_THRESHOLD, static_threshold);
  // Cameras' encoders have taken the noise out.
  if (!error && settings->vp9) error = vpx_codec_control(codec, VP9E_SET_NOISE_SENSITIVITY, 0u);
  if (!error && !settings->vp9) error = vpx_codec_control(codec, VP8E_SET_NOISE_SENSITIVITY, 0u);
  return error;
}

static void set_rates(vpx_codec_enc_cfg_t *config, const plenary_vpx_settings *settings) {
  config->rc_end_usage = settings->purpose == FOR_GOOD ? VPX_VBR : VPX_CBR;
  config->rc_target_bitrate = settings->kilobits;
  config->rc_dropframe_thresh = 0;
  config->rc_resize_allowed = 0;
  config->rc_min_quantizer = 2;
  // Nothing finer keeps to the rate when everybody moves at once.
  config->rc_max_quantizer = 63;
  config->rc_undershoot_pct = 100;
  config->rc_overshoot_pct = 15;
  config->rc_buf_initial_sz = 500;
  config->rc_buf_optimal_sz = 600;
  config->rc_buf_sz = 1000;
}

int plenary_vpx_encoder_new(const plenary_vpx_settings *settings, plenary_vpx_encoder **out) {
  vpx_codec_iface_t *codec = settings->vp9 ? vpx_codec_vp9_cx() : vpx_codec_vp8_cx();
  vpx_codec_enc_cfg_t config;
  vpx_codec_err_t error = vpx_codec_enc_config_default(codec, &config, 0);
  if (error) return error;

  config.g_w = settings->width;
  config.g_h = settings->height;
  config.g_timebase.num = 1;
  config.g_timebase.den = (int)settings->ticks_per_second;
  config.g_threads = 1;
  config.g_lag_in_frames = 0;
  config.g_error_resilient = settings->resilient ? VPX_ERROR_RESILIENT_DEFAULT : 0;
  config.kf_mode = VPX_KF_DISABLED;
  set_rates(&config, settings);

  plenary_vpx_encoder *encoder = calloc(1, sizeof(*encoder));
  if (!encoder) return VPX_CODEC_MEM_ERROR;
  error = vpx_codec_enc_init(&encoder->codec, codec, &config, 0);
  if (error) {
    free(encoder);
    return error;
  }
  error = set_controls(&encoder->codec, settings);
  if (error) {
    vpx_codec_destroy(&encoder->codec);
    free(encoder);
    return error;
  }
  encoder->config = config;
  encoder->deadline = settings->purpose == FOR_GOOD ? VPX_DL_GOOD_QUALITY : VPX_DL_REALTIME;
  *out = encoder;
  return 0;
}

// Encodes a picture of the encoder's size. The bytes of `out` stay until the next call.
int plenary_vpx_encoder_encode(plenary_vpx_encoder *encoder, const plenary_vpx_picture *picture,
                               int64_t pts, int64_t duration, long flags, plenary_vpx_frame *out) {
  out->len = 0;
  vpx_image_t image;
  uint8_t *y = (uint8_t *)picture->planes[0];
  if (!vpx_img_wrap(&image, VPX_IMG_FMT_I420, picture->width, picture->height, 1, y)) {
    return VPX_CODEC_INVALID_PARAM;
  }
  for (int plane = 0; plane < 3; plane++) {
    image.planes[plane] = (uint8_t *)picture->planes[plane];
    image.stride[plane] = (int)picture->strides[plane];
  }
  vpx_codec_err_t error = vpx_codec_encode(&encoder->codec, &image, pts, (unsigned long)duration,
                                           flags, encoder->deadline);
  if (error) return error;

  vpx_codec_iter_t iter = NULL;
  const vpx_codec_cx_pkt_t *packet;
  while ((packet = vpx_codec_get_cx_data(&encoder->codec, &iter))) {
    if (packet->kind == VPX_CODEC_CX_FRAME_PKT) {
      out->data = packet->data.frame.buf;
      out->len = packet->data.frame.sz;
      out->is_keyframe = (packet->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
    }
  }
  return 0;
}

int plenary_vpx_encoder_set_kilobits(plenary_vpx_encoder *encoder, uint32_t kilobits) {
  vpx_codec_enc_cfg_t config = encoder->config;
  config.rc_target_bitrate = kilobits;
  vpx_codec_err_t error = vpx_codec_enc_config_set(&encoder->codec, &config);
  if (!error) encoder->config = config;
  return error;
}

int plenary_vpx_encoder_set_speed(plenary_vpx_encoder *encoder, int32_t speed) {
  return vpx_codec_control(&encoder->codec, VP8E_SET_CPUUSED, speed);
}

void plenary_vpx_encoder_free(plenary_vpx_encoder *encoder) {
  vpx_codec_destroy(&encoder->codec);
  free(encoder);
}

int plenary_vpx_decoder_new(int vp9, vpx_codec_ctx_t **out) {
  vpx_codec_ctx_t *decoder = calloc(1, sizeof(*decoder));
  if (!decoder) return VPX_CODEC_MEM_ERROR;
  vpx_codec_err_t error =
      vpx_codec_dec_init(decoder, vp9 ? vpx_codec_vp9_dx() : vpx_codec_vp8_dx(), NULL, 0);
  if (error) {
    free(decoder);
    return error;
  }
  *out = decoder;
  return 0;
}

// Whether a picture can be given out.
static int is_plain(const vpx_image_t *image) {
  const int width = (int)image->d_w, chroma_width = (int)((image->d_w + 1) / 2);
  return image->fmt == VPX_IMG_FMT_I420 && image->stride[VPX_PLANE_Y] >= width &&
         image->stride[VPX_PLANE_U] >= chroma_width && image->stride[VPX_PLANE_V] >= chroma_width;
}

// Decodes a frame. `out` stays as it is if there is no picture of 8 bits in 4:2:0; what it points
// to stays until the next call.
int plenary_vpx_decoder_decode(vpx_codec_ctx_t *decoder, const uint8_t *data, uint32_t len,
                               plenary_vpx_picture *out) {
  vpx_codec_err_t error = vpx_codec_decode(decoder, data, len, NULL, 0);
  vpx_codec_iter_t iter = NULL;
  vpx_image_t *image;
  while ((image = vpx_codec_get_frame(decoder, &iter))) {
    if (!is_plain(image)) continue;
    for (int plane = 0; plane < 3; plane++) {
      out->planes[plane] = image->planes[plane];
      out->strides[plane] = (size_t)image->stride[plane];
    }
    out->width = image->d_w;
    out->height = image->d_h;
  }
  return error;
}

void plenary_vpx_decoder_free(vpx_codec_ctx_t *decoder) {
  vpx_codec_destroy(decoder);
  free(decoder);
}

// What an error code means, for people.
const char *plenary_vpx_error(int error) { return vpx_codec_err_to_string((vpx_codec_err_t)error); }

// The flags of `vpx_codec_encode`, in the order of `Buffers` in encoder.rs.
long plenary_vpx_flags(uint32_t keyframe, uint32_t references, uint32_t updates) {
  if (keyframe) return VPX_EFLAG_FORCE_KF;
  long flags = 0;
  if (!(references & 1)) flags |= VP8_EFLAG_NO_REF_LAST;
  if (!(references & 2)) flags |= VP8_EFLAG_NO_REF_GF;
  flags |= VP8_EFLAG_NO_REF_ARF | VP8_EFLAG_NO_UPD_ARF;
  if (!(updates & 1)) flags |= VP8_EFLAG_NO_UPD_LAST;
  if (!(updates & 2)) flags |= VP8_EFLAG_NO_UPD_GF;
  // Probabilities must not depend on frames that a server drops.
  if (!(updates & 1)) flags |= VP8_EFLAG_NO_UPD_ENTROPY;
  return flags;
}
