// The C half of the crate: structures of libdav1d, whose layout changes from version to version, stay
// here, where its own headers describe them.

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <dav1d/dav1d.h>

// The same as `RawPicture` in decoder.rs.
typedef struct {
  const uint8_t *planes[3];
  size_t strides[3];
  uint32_t width;
  uint32_t height;
} plenary_dav1d_picture;

typedef struct {
  Dav1dContext *context;
  // What has been given out last.
  Dav1dPicture shown;
} plenary_dav1d_decoder;

int plenary_dav1d_decoder_new(uint32_t max_pixels, plenary_dav1d_decoder **out) {
  Dav1dSettings settings;
  dav1d_default_settings(&settings);
  // A frame is decoded by who calls, and shown at once.
  settings.n_threads = 1;
  settings.max_frame_delay = 1;
  // Of a picture in layers, the largest.
  settings.all_layers = 0;
  settings.frame_size_limit = max_pixels;
  settings.logger.callback = NULL;

  plenary_dav1d_decoder *decoder = calloc(1, sizeof(*decoder));
  if (!decoder) return DAV1D_ERR(ENOMEM);
  int error = dav1d_open(&decoder->context, &settings);
  if (error) {
    free(decoder);
    return error;
  }
  *out = decoder;
  return 0;
}

// The size that a sequence header asks for; untouched if there is none.
void plenary_dav1d_sequence_size(const uint8_t *data, size_t len, uint32_t *width,
                                 uint32_t *height) {
  Dav1dSequenceHeader header;
  if (dav1d_parse_sequence_header(&header, data, len)) return;
  *width = (uint32_t)header.max_width;
  *height = (uint32_t)header.max_height;
}

// Keeps the last of the pictures that there are.
static int take_pictures(plenary_dav1d_decoder *decoder) {
  for (;;) {
    Dav1dPicture next = {0};
    int error = dav1d_get_picture(decoder->context, &next);
    if (error) return error == DAV1D_ERR(EAGAIN) ? 0 : error;
    dav1d_picture_unref(&decoder->shown);
    decoder->shown = next;
  }
}

// Gives all of `data` to the decoder. It takes none while there are pictures to be taken.
static int send(plenary_dav1d_decoder *decoder, Dav1dData *data) {
  int error = dav1d_send_data(decoder->context, data);
  if (error == DAV1D_ERR(EAGAIN)) {
    error = take_pictures(decoder);
    if (!error) error = dav1d_send_data(decoder->context, data);
  }
  return error ? error : take_pictures(decoder);
}

static void give(const Dav1dPicture *shown, plenary_dav1d_picture *out) {
  if (!shown->data[0] || shown->p.bpc != 8 || shown->p.layout != DAV1D_PIXEL_LAYOUT_I420) return;
  for (int plane = 0; plane < 3; plane++) {
    // There are strides of two kinds: luma's, and chroma's.
    const ptrdiff_t stride = shown->stride[plane > 0];
    const int row = plane ? (shown->p.w + 1) / 2 : shown->p.w;
    if (stride < row) return;
    out->planes[plane] = shown->data[plane];
    out->strides[plane] = (size_t)stride;
  }
  out->width = (uint32_t)shown->p.w;
  out->height = (uint32_t)shown->p.h;
}

// Decodes a temporal unit. `out` stays as it is if there is no picture of 8 bits in 4:2:0; what it
// points to stays until the next call. After an error the decoder knows nothing of what was before.
int plenary_dav1d_decoder_decode(plenary_dav1d_decoder *decoder, const uint8_t *bytes, size_t len,
                                 plenary_dav1d_picture *out) {
  dav1d_picture_unref(&decoder->shown);
  Dav1dData data = {0};
  uint8_t *copy = dav1d_data_create(&data, len);
  if (!copy) return DAV1D_ERR(ENOMEM);
  memcpy(copy, bytes, len);

  int error = send(decoder, &data);
  dav1d_data_unref(&data);
  if (error) {
    dav1d_picture_unref(&decoder->shown);
    dav1d_flush(decoder->context);
    return error;
  }
  give(&decoder->shown, out);
  return 0;
}

void plenary_dav1d_decoder_free(plenary_dav1d_decoder *decoder) {
  dav1d_picture_unref(&decoder->shown);
  dav1d_close(&decoder->context);
  free(decoder);
}
