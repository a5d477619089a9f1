// The C half of the crate: structures of libvpx, whose layout changes from version to version, stay
// here, where its own headers describe them.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <vpx/vp8cx.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vpx_encoder.h>

// The same as `Settings` in lib.rs.
typedef struct {
  uint32_t vp9;
  uint32_t width;
  uint32_t height;
  uint32_t fps;
  uint32_t kilobits;
  uint32_t resilient;
  int32_t speed;
} plenary_vpx_settings;

typedef struct {
  vpx_codec_ctx_t codec;
  vpx_image_t image;
  int64_t frame;
} plenary_vpx_encoder;

static vpx_codec_err_t set_controls(vpx_codec_ctx_t *codec, const plenary_vpx_settings *settings) {
  vpx_codec_err_t error = vpx_codec_control(codec, VP8E_SET_CPUUSED, settings->speed);
  // A keyframe may cost as much as five frames, for the sake of loops that are short.
  if (!error) error = vpx_codec_control(codec, VP8E_SET_MAX_INTRA_BITRATE_PCT, 500u);
  // The segment map of adaptive quantisation would depend on frames that a server drops.
  if (!error && settings->vp9) error = vpx_codec_control(codec, VP9E_SET_AQ_MODE, 0u);
  if (!error && settings->vp9) error = vpx_codec_control(codec, VP9E_SET_TILE_COLUMNS, 0);
  return error;
}

int plenary_vpx_encoder_new(const plenary_vpx_settings *settings, plenary_vpx_encoder **out) {
  vpx_codec_iface_t *codec = settings->vp9 ? vpx_codec_vp9_cx() : vpx_codec_vp8_cx();
  vpx_codec_enc_cfg_t config;
  vpx_codec_err_t error = vpx_codec_enc_config_default(codec, &config, 0);
  if (error) return error;

  config.g_w = settings->width;
  config.g_h = settings->height;
  config.g_timebase.num = 1;
  config.g_timebase.den = (int)settings->fps;
  config.g_threads = 1;
  config.g_lag_in_frames = 0;
  config.g_error_resilient = settings->resilient ? VPX_ERROR_RESILIENT_DEFAULT : 0;
  config.rc_end_usage = VPX_CBR;
  config.rc_target_bitrate = settings->kilobits;
  config.rc_dropframe_thresh = 0;
  config.rc_resize_allowed = 0;
  config.rc_min_quantizer = 2;
  config.rc_max_quantizer = 63;
  config.rc_undershoot_pct = 100;
  config.rc_overshoot_pct = 15;
  config.rc_buf_initial_sz = 500;
  config.rc_buf_optimal_sz = 600;
  config.rc_buf_sz = 1000;
  config.kf_mode = VPX_KF_DISABLED;

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
  *out = encoder;
  return 0;
}

// Encodes a picture of rows without gaps. The bytes at `out` stay until the next call.
int plenary_vpx_encoder_encode(plenary_vpx_encoder *encoder, uint32_t width, uint32_t height,
                               const uint8_t *i420, long flags, const uint8_t **out,
                               size_t *out_len) {
  *out_len = 0;
  if (!vpx_img_wrap(&encoder->image, VPX_IMG_FMT_I420, width, height, 1, (uint8_t *)i420)) {
    return VPX_CODEC_INVALID_PARAM;
  }
  vpx_codec_err_t error = vpx_codec_encode(&encoder->codec, &encoder->image, encoder->frame++, 1,
                                           flags, VPX_DL_REALTIME);
  if (error) return error;

  vpx_codec_iter_t iter = NULL;
  const vpx_codec_cx_pkt_t *packet;
  while ((packet = vpx_codec_get_cx_data(&encoder->codec, &iter))) {
    if (packet->kind == VPX_CODEC_CX_FRAME_PKT) {
      *out = packet->data.frame.buf;
      *out_len = packet->data.frame.sz;
    }
  }
  return 0;
}

void plenary_vpx_encoder_free(plenary_vpx_encoder *encoder) {
  vpx_codec_destroy(&encoder->codec);
  free(encoder);
}

// The same as `RawLuma` in lib.rs.
typedef struct {
  const uint8_t *rows;
  size_t stride;
  uint32_t width;
  uint32_t height;
} plenary_vpx_luma;

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

// Decodes a frame. `out` has no rows if there is no picture of 8 bits in 4:2:0; what it has stays
// until the next call.
int plenary_vpx_decoder_decode(vpx_codec_ctx_t *decoder, const uint8_t *data, uint32_t len,
                               plenary_vpx_luma *out) {
  vpx_codec_err_t error = vpx_codec_decode(decoder, data, len, NULL, 0);
  vpx_codec_iter_t iter = NULL;
  vpx_image_t *image;
  while ((image = vpx_codec_get_frame(decoder, &iter))) {
    if (image->fmt != VPX_IMG_FMT_I420 || image->stride[VPX_PLANE_Y] < (int)image->d_w) continue;
    out->rows = image->planes[VPX_PLANE_Y];
    out->stride = (size_t)image->stride[VPX_PLANE_Y];
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

// The flags of `vpx_codec_encode`, in the order of `References` in lib.rs.
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
