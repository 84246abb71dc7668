// Programs whose sections say what they are, and not what they are attached to.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define BARE(section, name) \
  SEC(section) int name(void *ctx) { return 0; }

BARE("usdt", bare_usdt)
BARE("uretprobe", bare_uretprobe)
BARE("uprobe", bare_uprobe)
BARE("kprobe", bare_kprobe)
BARE("kretprobe", bare_kretprobe)
BARE("ksyscall", bare_ksyscall)

SEC("xdp/devmap") int bare_devmap(struct xdp_md *ctx) {
  return XDP_PASS;
}
