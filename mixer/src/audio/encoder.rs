//! Samples made into Opus.

use std::fmt;

use super::time::{RATE_HZ, TICK_SAMPLES};

/// How to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderSettings {
    /// Whether there are two channels.
    pub is_stereo: bool,
    /// What is to be kept.
    pub purpose: Purpose,
    /// In bits a second, 500 to 510,000.
    pub bitrate_bps: u32,
    /// How much work to do, 0 to 10. With 10, libopus takes half as long again as with 5, and what
    /// it makes is hardly told from that.
    pub complexity: u8,
    /// How much of what is sent will be lost, in percent. For more than 0, packets of speech have
    /// a copy of the one before in them.
    pub expected_loss_percent: u8,
}

/// What is to be kept of a sound that has to be made small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// That words are understood.
    Speech,
    /// That it sounds as it did.
    Faithful,
}

impl EncoderSettings {
    /// For the file of a recording: 64 kbit/s, stereo.
    pub const RECORDING: Self = Self {
        is_stereo: true,
        purpose: Purpose::Faithful,
        bitrate_bps: 64_000,
        complexity: 5,
        expected_loss_percent: 0,
    };

    /// For what a listener hears of the others: 32 kbit/s, mono.
    pub const LISTENER: Self = Self {
        is_stereo: false,
        purpose: Purpose::Speech,
        bitrate_bps: 32_000,
        complexity: 5,
        expected_loss_percent: 0,
    };
}

/// Why something cannot be encoded: who asks is at fault.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// libopus does not take such settings.
    #[error("no encoder of Opus takes these settings: {0}")]
    Settings(#[source] opus::Error),
    /// It is not a tick that is to be encoded.
    #[error("{0} samples are not a tick")]
    NotATick(usize),
    /// libopus refuses.
    #[error("the encoder refuses: {0}")]
    Refused(#[source] opus::Error),
}

/// A packet of Opus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedAudio<'a> {
    /// When the first sample that it decodes to is to be heard, in microseconds of the room. That
    /// is before the samples that were encoded, since the codec delays them: the first packet's
    /// may be before zero.
    pub pts_us: i64,
    /// The packet.
    pub data: &'a [u8],
}

/// Encodes a mix, tick by tick.
pub struct Encoder {
    opus: opus::Encoder,
    settings: EncoderSettings,
    pre_skip_samples: u16,
    out: Vec<u8>,
}

impl Encoder {
    /// Begins a stream.
    ///
    /// # Errors
    /// [`EncodeError::Settings`].
    pub fn new(settings: EncoderSettings) -> Result<Self, EncodeError> {
        let (opus, lookahead) = open(settings).map_err(EncodeError::Settings)?;
        Ok(Self {
            opus,
            settings,
            pre_skip_samples: u16::try_from(lookahead).unwrap_or(0),
            out: vec![0; MAX_PACKET_BYTES],
        })
    }

    /// How late what is encoded comes out of a decoder, in samples. It is the
    /// [`pre_skip_samples`](crate::mux::Opus::pre_skip_samples) of a file.
    pub fn pre_skip_samples(&self) -> u16 {
        self.pre_skip_samples
    }

    /// Encodes a tick, whose first sample is heard at a time: [`TICK_SAMPLES`] of each channel,
    /// interleaved.
    ///
    /// # Errors
    /// [`EncodeError::NotATick`], or [`EncodeError::Refused`] by libopus.
    pub fn encode(
        &mut self,
        tick_start_us: i64,
        samples: &[f32],
    ) -> Result<EncodedAudio<'_>, EncodeError> {
        let channels = if self.settings.is_stereo { 2 } else { 1 };
        if samples.len() != TICK_SAMPLES * channels {
            return Err(EncodeError::NotATick(samples.len()));
        }
        let bytes = self
            .opus
            .encode_float(samples, &mut self.out)
            .map_err(EncodeError::Refused)?;
        let delay_us = i64::from(self.pre_skip_samples) * 1_000 / 48;
        Ok(EncodedAudio {
            pts_us: tick_start_us.saturating_sub(delay_us),
            data: self.out.get(..bytes).unwrap_or_default(),
        })
    }

    /// Says how much is being lost, in percent.
    ///
    /// # Errors
    /// [`EncodeError::Settings`] for more than 100.
    pub fn set_expected_loss(&mut self, percent: u8) -> Result<(), EncodeError> {
        expect_loss(&mut self.opus, percent).map_err(EncodeError::Settings)?;
        self.settings.expected_loss_percent = percent;
        Ok(())
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

fn open(settings: EncoderSettings) -> opus::Result<(opus::Encoder, i32)> {
    let channels = if settings.is_stereo {
        opus::Channels::Stereo
    } else {
        opus::Channels::Mono
    };
    let application = match settings.purpose {
        Purpose::Speech => opus::Application::Voip,
        Purpose::Faithful => opus::Application::Audio,
    };
    let mut encoder = opus::Encoder::new(RATE_HZ, channels, application)?;
    let bitrate = i32::try_from(settings.bitrate_bps).unwrap_or(i32::MAX);
    encoder.set_bitrate(opus::Bitrate::Bits(bitrate))?;
    encoder.set_complexity(settings.complexity.into())?;
    expect_loss(&mut encoder, settings.expected_loss_percent)?;
    let lookahead = encoder.get_lookahead()?;
    Ok((encoder, lookahead))
}

fn expect_loss(encoder: &mut opus::Encoder, percent: u8) -> opus::Result<()> {
    encoder.set_packet_loss_perc(percent.into())?;
    encoder.set_inband_fec(percent > 0)
}

/// Most that a frame of 20 ms takes (RFC 6716 §3.2.1), with the byte before it.
const MAX_PACKET_BYTES: usize = 1_276;
