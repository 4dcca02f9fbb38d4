namespace LoraServe.Engine.Kernels.Products;

/// <summary>What a <see cref="RowsProduct"/> reads and writes.</summary>
internal readonly unsafe struct ProductOperands
{
    /// <summary>Rows of x one after the other, each packed.</summary>
    public required byte* X { get; init; }

    /// <summary>Rows of x.</summary>
    public required int Rows { get; init; }

    /// <summary>W [outputs, inputs].</summary>
    public required void* W { get; init; }

    /// <summary>Numbers of a row.</summary>
    public required int Inputs { get; init; }

    /// <summary>b [outputs] like W, or null.</summary>
    public void* Bias { get; init; }

    /// <summary>y [rows, outputs], written to.</summary>
    public required float* Y { get; init; }

    /// <summary>From one row of y to the next, in numbers.</summary>
    public required long YStride { get; init; }
}
