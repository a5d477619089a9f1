import { expect, test } from 'vitest';
import { fitGrid } from './fit-grid';

test('two people sit side by side on a desk and one above the other on a phone', () => {
  expect(fitGrid(2, 1200, 700, 12).columns).toBe(2);
  expect(fitGrid(2, 374, 650, 12).columns).toBe(1);
});

test('three people on a desk get wide tiles', () => {
  const { columns, tileWidth, tileHeight } = fitGrid(3, 1248, 632, 12);

  expect(columns).toBe(2);
  expect(tileWidth).toBeGreaterThan(tileHeight * 1.3);
});

test('the grid stays inside its area and the tiles inside their shape', () => {
  for (let count = 1; count <= 50; count++) {
    for (const [width, height] of [[1280, 640], [374, 640], [800, 300], [300, 300]] as const) {
      const { columns, tileWidth, tileHeight } = fitGrid(count, width, height, 8);
      const rows = Math.ceil(count / columns);

      expect(columns * tileWidth + (columns - 1) * 8).toBeLessThanOrEqual(width);
      expect(rows * tileHeight + (rows - 1) * 8).toBeLessThanOrEqual(height);
      expect(tileWidth / tileHeight).toBeLessThan(1.9);
      expect(tileWidth / tileHeight).toBeGreaterThan(0.75);
    }
  }
});

test('an area without room gives tiles without size', () => {
  expect(fitGrid(3, 0, 0, 12)).toEqual({ columns: 1, tileWidth: 0, tileHeight: 0 });
});
