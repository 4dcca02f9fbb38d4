using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Kernels;
using LoraServe.Engine.Kernels.Decoding;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>What the passes of a step share.</summary>
internal sealed class StepParts : IDisposable
{
    /// <param name="config">The shape of the model.</param>
    /// <param name="modules">Its modules.</param>
    /// <param name="kernels">The arithmetic.</param>
    /// <param name="shape">Sizes of attention.</param>
    /// <param name="threads">Members of the team.</param>
    public StepParts(ModelConfig config, CpuModules modules, DecoderKernels kernels, AttentionShape shape, int threads)
    {
        (Config, Modules, Kernels) = (config, modules, kernels);
        Buffers = new StepBuffers(config, modules.Linears.Max(linear => linear.Product.PackedBytes(linear.Inputs)));
        var longest = Math.Max(config.HiddenSize, modules.Linears.Max(linear => linear.Inputs));
        Members = [.. Enumerable.Range(0, threads).Select(_ => new StepMember(longest, shape))];
        Team = new WorkerTeam(threads);
    }

    public ModelConfig Config { get; }

    public CpuModules Modules { get; }

    public DecoderKernels Kernels { get; }

    public StepBuffers Buffers { get; }

    /// <summary>One for each member of the team.</summary>
    public StepMember[] Members { get; }

    /// <summary>Carries passes out.</summary>
    public WorkerTeam Team { get; }

    /// <summary>Ends the team and frees the memory.</summary>
    public void Dispose()
    {
        Team.Dispose();
        Buffers.Dispose();
        foreach (var member in Members) member.Dispose();
    }
}
