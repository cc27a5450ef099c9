/** What was dropped or chosen, folders opened. */
import type { Dropped } from './messages.ts';

const MAX_FILES = 70_000;

interface Entry {
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly fullPath: string;
  file?(found: (file: File) => void, failed: (error: unknown) => void): void;
  createReader?(): { readEntries(found: (entries: Entry[]) => void, failed: (error: unknown) => void): void };
}

export const chosen = (files: FileList | null): Dropped[] =>
  [...(files ?? [])]
    .slice(0, MAX_FILES)
    .map((file) => ({ path: file.webkitRelativePath || file.name, file }));

export async function dropped(items: DataTransferItemList): Promise<Dropped[]> {
  // Entries are gone when this turn of the event loop is over.
  const entries = [...items].flatMap((item) => (item.webkitGetAsEntry() as Entry | null) ?? []);
  const found: Dropped[] = [];
  for (const entry of entries) await collect(entry, found);
  return found;
}

async function collect(entry: Entry, found: Dropped[]): Promise<void> {
  if (found.length >= MAX_FILES) return;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => entry.file!(resolve, reject));
    found.push({ path: entry.fullPath.replace(/^\//, ''), file });
    return;
  }
  const reader = entry.createReader!();
  for (;;) {
    // A reader gives a hundred at a time.
    const some = await new Promise<Entry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const one of some) await collect(one, found);
  }
}
