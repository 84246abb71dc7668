/* The bucket of a value: floor(log2(value)), and 0 for 0. */
static __always_inline __u32 log2_bucket(__u64 value)
{
	__u32 bucket = 0;

	for (__u32 bits = 32; bits; bits >>= 1)
		if (value >> bits) {
			value >>= bits;
			bucket |= bits;
		}
	return bucket & 63;
}
