#include "app/zip.h"

static void u16(struct buf *b, unsigned v)
{
	char bytes[2] = { (char)(v & 255), (char)(v >> 8 & 255) };
	buf_add(b, bytes, 2);
}

static void u32(struct buf *b, uint32_t v)
{
	u16(b, v & 0xffff);
	u16(b, v >> 16);
}

static uint32_t crc32_of(struct str s)
{
	uint32_t crc = 0xffffffff;
	for (size_t i = 0; i < s.n; i++) {
		crc ^= (unsigned char)s.p[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (0xedb88320 & (0u - (crc & 1)));
	}
	return ~crc;
}

void zip_init(struct zip *z, struct buf *out, zone_id zone, struct instant now)
{
	struct civil c = zone_civil(zone, now);
	int year, month, day;
	date_ymd(c.date, &year, &month, &day);
	uint32_t date = (uint32_t)((year - 1980) << 9 | month << 5 | day);
	uint32_t time = (uint32_t)(c.second / 3600 << 11 | c.second / 60 % 60 << 5 | c.second % 60 / 2);
	*z = (struct zip){ .out = out, .stamp = date << 16 | time };
	buf_init(&z->directory, out->max);
}

/* What the local header and the directory say alike. */
static void common(struct zip *z, struct buf *b, struct str name, struct str bytes, uint32_t crc)
{
	u16(b, 20);     /* version needed */
	u16(b, 0x0800); /* names are UTF-8 */
	u16(b, 0);      /* stored */
	u32(b, z->stamp);
	u32(b, crc);
	u32(b, (uint32_t)bytes.n);
	u32(b, (uint32_t)bytes.n);
	u16(b, (unsigned)name.n);
	u16(b, 0);
}

void zip_add(struct zip *z, struct str name, struct str bytes)
{
	uint32_t crc = crc32_of(bytes);
	size_t at = z->out->n;
	if (z->count == ZIP_ENTRIES_MAX || name.n > 1000 || bytes.n > UINT32_MAX - at) {
		z->out->full = true;
		return;
	}
	u32(z->out, 0x04034b50);
	common(z, z->out, name, bytes, crc);
	buf_str(z->out, name);
	buf_str(z->out, bytes);
	u32(&z->directory, 0x02014b50);
	u16(&z->directory, 20);
	common(z, &z->directory, name, bytes, crc);
	u16(&z->directory, 0); /* comment */
	u16(&z->directory, 0); /* disk */
	u16(&z->directory, 0); /* binary */
	u32(&z->directory, 0);
	u32(&z->directory, (uint32_t)at);
	buf_str(&z->directory, name);
	z->count++;
}

void zip_end(struct zip *z)
{
	size_t at = z->out->n;
	buf_str(z->out, buf_view(&z->directory));
	u32(z->out, 0x06054b50);
	u16(z->out, 0);
	u16(z->out, 0);
	u16(z->out, z->count);
	u16(z->out, z->count);
	u32(z->out, (uint32_t)z->directory.n);
	u32(z->out, (uint32_t)at);
	u16(z->out, 0);
	z->out->full |= z->directory.full;
	buf_release(&z->directory);
}
