// What the kernel's configuration says.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

char LICENSE[] SEC("license") = "GPL";

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool CONFIG_HOSTMEM_SWITCH __kconfig __weak;
extern char CONFIG_HOSTMEM_NAME[8] __kconfig __weak;
extern unsigned long long CONFIG_HOSTMEM_NUMBER __kconfig __weak;

SEC("socket")
int version(struct __sk_buff *skb)
{
	return LINUX_KERNEL_VERSION + CONFIG_HOSTMEM_SWITCH +
	       CONFIG_HOSTMEM_NAME[0] + CONFIG_HOSTMEM_NUMBER;
}
