using LoraServe.Engine.Kernels.Products;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>A frozen linear module where it lies in memory.</summary>
internal sealed unsafe class CpuLinear
{
    /// <summary>Its place among the model's linear modules.</summary>
    public required int Index { get; init; }

    /// <summary>Its path in the checkpoint.</summary>
    public required string Path { get; init; }

    /// <summary>W [outputs, inputs] in the compute dtype.</summary>
    public required nint Weight { get; init; }

    /// <summary>b [outputs] in the compute dtype, or 0.</summary>
    public required nint Bias { get; init; }

    /// <summary>Columns of W.</summary>
    public required int Inputs { get; init; }

    /// <summary>Rows of W.</summary>
    public required int Outputs { get; init; }

    /// <summary>How it is multiplied.</summary>
    public required RowsProduct Product { get; init; }
}
