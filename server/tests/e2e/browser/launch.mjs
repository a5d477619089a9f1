import puppeteer from 'puppeteer-core';

const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--mute-audio',
  '--autoplay-policy=no-user-gesture-required',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--allow-loopback-in-peer-connection',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  // Chromium heeds one --disable-features only.
  '--disable-features=WebRtcHideLocalIpsWithMdns,OptimizationHints,MediaRouter,Translate',
];

const CHROMIUM_RTP_LOG = [
  '--force-fieldtrials=WebRTC-Debugging-RtpDump/Enabled/',
  '--enable-logging',
  '--vmodule=srtp_session=1',
];

const FIREFOX_PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'app.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
};

const VIEWPORT = { width: 1280, height: 760 };

/**
 * Debian's own browsers; one process for each participant, because a browser pauses the pages it does not show. With
 * an `rtpLog` they write what they send and receive without encryption to files whose names begin so.
 */
export const launch = {
  chromium: ({ rtpLog }) =>
    puppeteer.launch({
      browser: 'chrome',
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      args: [...CHROMIUM_FLAGS, ...(rtpLog ? CHROMIUM_RTP_LOG : [])],
      env: { ...process.env, ...(rtpLog && { CHROME_LOG_FILE: rtpLog }) },
      defaultViewport: VIEWPORT,
    }),
  firefox: ({ tone, rtpLog }) =>
    puppeteer.launch({
      browser: 'firefox',
      executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
      headless: true,
      env: { ...process.env, ...(rtpLog && { MOZ_LOG: 'RtpLogger:5,sync', MOZ_LOG_FILE: rtpLog }) },
      extraPrefsFirefox: { ...FIREFOX_PREFERENCES, 'media.navigator.audio.fake_frequency': tone },
      defaultViewport: VIEWPORT,
    }),
};
