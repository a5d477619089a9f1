export interface GridFit {
  columns: number;
  tileWidth: number;
  tileHeight: number;
}

/** Tiles are never flatter than this, nor taller than the next: faces stay whole. */
const WIDEST = 16 / 9;
const TALLEST = 4 / 5;

/** Finds the number of columns that shows `count` equal tiles as large as the area allows. */
export function fitGrid(count: number, width: number, height: number, gap: number): GridFit {
  let best: GridFit = { columns: 1, tileWidth: 0, tileHeight: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const cellWidth = Math.max(0, (width - gap * (columns - 1)) / columns);
    const cellHeight = Math.max(0, (height - gap * (rows - 1)) / rows);
    const tileWidth = Math.floor(Math.min(cellWidth, cellHeight * WIDEST));
    const tileHeight = Math.floor(Math.min(cellHeight, cellWidth / TALLEST));
    if (tileWidth * tileHeight > best.tileWidth * best.tileHeight) best = { columns, tileWidth, tileHeight };
  }
  return best;
}
