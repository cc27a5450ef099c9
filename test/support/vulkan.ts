/** The graphics device that a child process of a test finds: the system's, else the software one that comes with Chromium. */
import { existsSync } from 'node:fs';

const CHROMIUM = '/usr/lib/chromium';
const SOFTWARE = `${CHROMIUM}/vk_swiftshader_icd.json`;
const SYSTEM_DRIVERS = [
  '/usr/share/vulkan/icd.d',
  '/etc/vulkan/icd.d',
  '/usr/local/nvidia/share/vulkan/icd.d',
];

/** Variables of the environment, read when a process starts; undefined where no Vulkan is found. */
export function vulkanEnvironment(): NodeJS.ProcessEnv | undefined {
  if (SYSTEM_DRIVERS.some((folder) => existsSync(folder))) return process.env;
  if (!existsSync(SOFTWARE)) return undefined;
  return { ...process.env, VK_ICD_FILENAMES: SOFTWARE, LD_LIBRARY_PATH: CHROMIUM };
}
