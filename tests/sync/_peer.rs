// Checks what is in a file, and writes other values.

#[path = "types_of_test.rs"]
mod t;

use std::io::{Read, Seek, Write};
use std::sync::atomic::Ordering::SeqCst;

fn main() {
    let path = std::env::args().nth(1).unwrap();
    let mut file = std::fs::File::options().read(true).write(true).open(path).unwrap();
    let mut bytes = vec![0u8; core::mem::size_of::<t::Everything>()];
    file.read_exact(&mut bytes).unwrap();
    let mut it = unsafe { core::ptr::read_unaligned(bytes.as_ptr() as *const t::Everything) };
    assert!(it.flag == 1 && it.color == t::Color::green);
    assert_eq!(&it.name[..6], "héllo".as_bytes());
    assert_eq!(String::from_utf16(&it.title[..4]).unwrap(), "a😀é");
    assert!(it.low() == 5 && it.minus() == -3 && it.shade() == t::Color::green && it.r#priv());
    assert!(it.network.get() == 443 && it.change.get() == -70000);
    assert!(it.load.get() == 1.5 && it.wide.get() == 1 << 40);
    assert!(it.half.get() == 0.333251953125 && it.ratio == 0.25);
    assert_eq!(it.mac, [1, 2, 3, 4, 5, 6]);
    assert!(it.huge == (1 << 100) + 1 && it.debt == -(1 << 90));
    assert!(it.total == 1 << 50 && it.counter.load(SeqCst) == -7 && it.address == 1 << 47);
    assert_eq!(it.matrix, [[1, 2, 3], [4, 5, 65535]]);
    assert!(it.inner[0].value == -1.25 && it.inner[1].tag == 2);
    let packed = it.packed;
    assert!({ packed.b } == 1 << 63 && packed.low() == 17 && { packed.c } == [-1, 2]);
    assert!(u32::from_le_bytes(it.placed.b) == 77 && it.r#box == 123456);
    assert_eq!(it.halves.map(|half| half.get()), [1.0, -2.0, 65504.0]);
    assert_eq!(unsafe { it.either.large }, 260);
    it.flag = 0;
    it.color = t::Color::red;
    it.name = *b"bye\0\0\0\0";
    it.title = [98, 121, 101, 0, 0, 0];
    it.set_low(2);
    it.set_minus(-(1 << 39));
    it.set_shade(t::Color::red);
    it.set_priv(false);
    it.network = t::Be::<u16>::new(8080);
    it.change = t::Be::<i32>::new(5);
    it.load = t::BeFloat::<u32>::new(-0.5);
    it.wide = t::Be::<u64>::new(3);
    it.half = t::F16(0xc000);
    it.ratio = 8.0;
    it.mac = [6, 5, 4, 3, 2, 1];
    it.huge = u128::MAX;
    it.debt = -1;
    it.total = 7;
    it.counter.store(1 << 62, SeqCst);
    it.address = 0;
    it.matrix[1][1] = 9;
    it.inner[1].tag = 200;
    it.inner[1].value = 0.5;
    it.packed.a = 1;
    it.packed.b = 2;
    it.packed.set_low(31);
    it.packed.c = [-1, -300];
    it.placed.b = (1u32 << 31).to_le_bytes();
    it.halves[2] = t::F16(0x3800);
    it.r#box = 1;
    it.either.large = 255;
    let written = unsafe {
        core::slice::from_raw_parts(&it as *const _ as *const u8, bytes.len())
    };
    file.rewind().unwrap();
    file.write_all(written).unwrap();
}
