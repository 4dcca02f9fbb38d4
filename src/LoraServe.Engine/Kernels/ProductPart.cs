namespace LoraServe.Engine.Kernels;

/// <summary>One of the products that share their left factor: result = scale * left right, or that added to the result.</summary>
/// <param name="Right">The right factor.</param>
/// <param name="Columns">Columns of the right factor.</param>
/// <param name="Result">Address of the result [rows, columns] in float32.</param>
/// <param name="Stride">Elements from one row of the result to the next.</param>
/// <param name="Scale">A factor.</param>
/// <param name="Adds">Whether the result is added to.</param>
internal readonly record struct ProductPart(ProductFactor Right, int Columns, nint Result, long Stride, float Scale = 1, bool Adds = false);
