using LoraServe.Engine.Kernels;
using LoraServe.Engine.Lora;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>
/// The matrix products of a pass: by <see cref="MatrixProduct"/> in float32 on a CPU, otherwise by libtorch.
/// </summary>
internal static unsafe class Products
{
    /// <summary>Computes terms that share their left factor.</summary>
    /// <param name="left">[tokens, depth] in the compute dtype.</param>
    /// <param name="terms">Right factors and results.</param>
    public static void Run(Tensor left, params ReadOnlySpan<ProductTerm> terms)
    {
        if (!Support(left))
        {
            foreach (var term in terms) RunByLibtorch(left, term);
            return;
        }

        var parts = new ProductPart[terms.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            var (weight, result) = (terms[i].Weight, terms[i].Result);
            parts[i] = new ProductPart(
                Factor(weight, isContiguous: terms[i].IsTransposed), (int)result.size(1), TensorAddress.Of(result), result.stride(0), Adds: terms[i].Adds);
        }

        MatrixProduct.Run(Factor(left, isContiguous: true), left.size(0), left.size(1), parts, get_num_threads());
    }

    /// <summary>Adds factor * left^T right to a sum.</summary>
    /// <param name="sum">[rows, columns] in float32, contiguous.</param>
    /// <param name="left">[tokens, rows].</param>
    /// <param name="right">[tokens, columns], of the same dtype.</param>
    /// <param name="factor">A float.</param>
    public static void AddTransposed(Tensor sum, Tensor left, Tensor right, float factor)
    {
        using var scope = NewDisposeScope();
        // The thinner factor comes first: libtorch is several times faster that way, and a narrow result wastes most of a tile here.
        var isTall = left.size(1) > right.size(1) && (!Support(left) || right.size(1) < ProductTile.Columns);
        var (target, adds) = isTall ? (zeros(right.size(1), left.size(1), ScalarType.Float32, sum.device), false) : (sum, true);
        if (isTall) (left, right) = (right, left);
        if (Support(left))
        {
            var part = new ProductPart(
                Factor(right, isContiguous: false), (int)right.size(1), TensorAddress.Of(target), target.stride(0), factor, adds);
            MatrixProduct.Run(Factor(left, isContiguous: false), left.size(1), left.size(0), [part], get_num_threads());
        }
        else if (left.dtype == ScalarType.Float32)
        {
            target.addmm_(left.t(), right, 1, factor);
        }
        else
        {
            target.addcmul_(left.t().mm(right).to(ScalarType.Float32), tensor(factor, device: target.device), Constants.One);
        }

        if (isTall) sum.AddInPlace(target.t());
    }

    /// <summary>Whether products of tensors like this one use <see cref="MatrixProduct"/>.</summary>
    public static bool AreOurs(Tensor tensor) =>
        MatrixProduct.IsSupported && tensor.device_type == DeviceType.CPU && tensor.dtype == ScalarType.Float32;

    private static bool Support(Tensor left) => AreOurs(left) && left.stride(1) == 1;

    private static void RunByLibtorch(Tensor left, ProductTerm term)
    {
        using var scope = NewDisposeScope();
        var weight = term.Weight.to(left.dtype);
        term.Result.addmm_(left, term.IsTransposed ? weight.t() : weight, term.Adds ? 1 : 0, 1);
    }

    private static ProductFactor Factor(Tensor tensor, bool isContiguous) =>
        new(TensorAddress.Of(tensor), tensor.stride(0), isContiguous, tensor.dtype == ScalarType.BFloat16);
}

/// <summary>result = left * weight, or that added to the result.</summary>
/// <param name="Weight">[columns, depth] if transposed, else [depth, columns]; rows are contiguous, the dtype is any.</param>
/// <param name="Result">[tokens, columns] in the compute dtype.</param>
/// <param name="IsTransposed">Whether to multiply by the transposed weight.</param>
/// <param name="Adds">Whether the result is added to.</param>
internal readonly record struct ProductTerm(Tensor Weight, Tensor Result, bool IsTransposed = true, bool Adds = false);
