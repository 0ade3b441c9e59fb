/* The CPU's features, by CPUID; see cpu.h. */
#include "system/cpu.h"

#include "lib/mppe/cipher.h"

#ifdef __x86_64__
#include <cpuid.h>

#define CPUID_FEATURES 7
#define CPUID_SHA      (1u << 29) /* in ebx */

unsigned int cpu_features(void)
{
	unsigned int a, b, c, d, features = 0;

	/* The compiler's own look at these knows whether the kernel keeps the registers, too. */
	if (__builtin_cpu_supports("avx"))
		features |= CIPHER_AVX;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
		features |= CIPHER_AVX512;
	/* It does not know this one everywhere. */
	if (__builtin_cpu_supports("sse4.1") &&
		__get_cpuid_count(CPUID_FEATURES, 0, &a, &b, &c, &d) && b & CPUID_SHA)
		features |= CIPHER_SHA;
	return features;
}
#else
unsigned int cpu_features(void)
{
	return 0;
}
#endif
