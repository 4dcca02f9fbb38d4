using Xunit.Sdk;
using Xunit.v3;

// Each engine computes with a thread of its own.
[assembly: Parallelization(Mode = ParallelMode.None)]
