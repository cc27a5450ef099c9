/** Numbers, amounts and times as people read them. Pure. */
const WEI_DECIMALS = 18;
/** Does not break and is as narrow as a grouping mark should be. */
const THIN = '\u202f';

const grouped = (digits: string): string => digits.replace(/\B(?=(\d{3})+(?!\d))/g, THIN);

export const formatNumber = (value: number | bigint): string => grouped(value.toString());

/** TRAIN with `places` decimals at most; what is lost to rounding shows as `<0.0001`. */
export function formatTrain(wei: bigint, places = 4): string {
  const sign = wei < 0n ? '−' : '';
  const size = wei < 0n ? -wei : wei;
  const unit = 10n ** BigInt(WEI_DECIMALS - places);
  const shown = (size / unit) * unit;
  if (shown === 0n && size > 0n) return `<0.${'0'.repeat(places - 1)}1`;
  const digits = shown.toString().padStart(WEI_DECIMALS + 1, '0');
  const fraction = digits.slice(-WEI_DECIMALS).replace(/0+$/, '');
  const whole = grouped(digits.slice(0, -WEI_DECIMALS));
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

export const exactTrain = (wei: bigint): string => `${formatTrain(wei, WEI_DECIMALS)} TRAIN`;

export const shortHex = (hex: string, ends = 4): string =>
  hex.length <= 2 * ends + 5 ? hex : `${hex.slice(0, 2 + ends)}…${hex.slice(-ends)}`;

export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const [unit, size] = bytes < 1_000_000 ? ['kB', 1_000] : ['MB', 1_000_000];
  return `${(bytes / Number(size)).toFixed(1)}${THIN}${unit}`;
}

export const formatPercent = (share: number, places = 1): string =>
  `${(100 * share).toFixed(places)}${THIN}%`;

export function formatMs(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)}${THIN}ms` : `${(ms / 1_000).toFixed(2)}${THIN}s`;
}

/** `12 s ago`. */
export function ago(seconds: number): string {
  if (seconds < 2) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** How long something lasted: `12 s`, `3 h`. */
export function formatSpan(seconds: number): string {
  if (seconds < 120) return `${Math.floor(seconds)}${THIN}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}${THIN}min`;
  return seconds < 172_800
    ? `${Math.floor(seconds / 3_600)}${THIN}h`
    : `${Math.floor(seconds / 86_400)}${THIN}d`;
}

export const absoluteTime = (timestamp: number): string =>
  new Date(timestamp * 1_000).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Gwei of a gas price. */
export const formatGwei = (wei: bigint): string => {
  const gwei = Number(wei) / 1e9;
  return `${gwei < 0.001 && gwei > 0 ? '<0.001' : Number(gwei.toFixed(3))}${THIN}gwei`;
};

/** `40 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. */
export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))}${THIN}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes}${THIN}min`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours < 24) return rest === 0 ? `${hours}${THIN}h` : `${hours}${THIN}h ${rest}${THIN}min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days}${THIN}d` : `${days}${THIN}d ${hours % 24}${THIN}h`;
}
