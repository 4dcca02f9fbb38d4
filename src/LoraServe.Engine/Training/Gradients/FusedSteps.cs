using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using LoraServe.Engine.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>
/// The steps between matrix products on a CPU, each in one pass over memory instead of one pass per libtorch operation.
/// They read and write the tensors' own memory.
/// </summary>
internal static unsafe class FusedSteps
{
    private const int Width = 8;

    /// <summary>Whether tensors of this kind are supported: in main memory, contiguous, rows of a multiple of 8 elements.</summary>
    /// <param name="x">Like all tensors of the step.</param>
    /// <param name="size">Elements of a row.</param>
    public static bool Support(Tensor x, long size) =>
        Vector256.IsHardwareAccelerated
        && x.device_type == DeviceType.CPU
        && x.dtype is ScalarType.Float32 or ScalarType.BFloat16
        && size % Width == 0
        && x.numel() * x.element_size() <= int.MaxValue
        && x.is_contiguous();

    /// <summary>See <see cref="RmsNormKernel{T, TElements}.Forward"/>.</summary>
    public static void Norm(Tensor x, Tensor weight, float epsilon, Tensor y)
    {
        var size = (int)weight.size(0);
        if (x.dtype == ScalarType.Float32)
        {
            float* px = Of<float>(x), pw = Of<float>(weight), py = Of<float>(y);
            ByRows(x, size, (from, to) => RmsNormKernel<float, SingleElements>.Forward(px, pw, py, size, epsilon, from, to));
        }
        else
        {
            ushort* px = Of<ushort>(x), pw = Of<ushort>(weight), py = Of<ushort>(y);
            ByRows(x, size, (from, to) => RmsNormKernel<ushort, BFloat16Elements>.Forward(px, pw, py, size, epsilon, from, to));
        }
    }

    /// <summary>See <see cref="RmsNormKernel{T, TElements}.Backward"/>; in place of dy.</summary>
    public static void NormBackward(Tensor dy, Tensor x, Tensor weight, Tensor? rest, float epsilon)
    {
        var size = (int)weight.size(0);
        if (x.dtype == ScalarType.Float32)
        {
            float* pd = Of<float>(dy), px = Of<float>(x), pw = Of<float>(weight), pr = rest is null ? null : Of<float>(rest);
            ByRows(x, size, (from, to) => RmsNormKernel<float, SingleElements>.Backward(pd, px, pw, pr, pd, size, epsilon, from, to));
        }
        else
        {
            ushort* pd = Of<ushort>(dy), px = Of<ushort>(x), pw = Of<ushort>(weight), pr = rest is null ? null : Of<ushort>(rest);
            ByRows(x, size, (from, to) => RmsNormKernel<ushort, BFloat16Elements>.Backward(pd, px, pw, pr, pd, size, epsilon, from, to));
        }
    }

    /// <summary>See <see cref="SwiGluKernel{T, TElements}.Forward"/>.</summary>
    public static void SwiGlu(Tensor gate, Tensor up, Tensor result)
    {
        if (gate.dtype == ScalarType.Float32)
        {
            float* pg = Of<float>(gate), pu = Of<float>(up), pr = Of<float>(result);
            ByRows(gate, Width, (from, to) => SwiGluKernel<float, SingleElements>.Forward(pg, pu, pr, from * Width, to * Width));
        }
        else
        {
            ushort* pg = Of<ushort>(gate), pu = Of<ushort>(up), pr = Of<ushort>(result);
            ByRows(gate, Width, (from, to) => SwiGluKernel<ushort, BFloat16Elements>.Forward(pg, pu, pr, from * Width, to * Width));
        }
    }

    /// <summary>See <see cref="SwiGluKernel{T, TElements}.Backward"/>.</summary>
    public static void SwiGluBackward(Tensor dy, Tensor gate, Tensor up, Tensor dgate, Tensor dup)
    {
        if (gate.dtype == ScalarType.Float32)
        {
            float* pd = Of<float>(dy), pg = Of<float>(gate), pu = Of<float>(up), rg = Of<float>(dgate), ru = Of<float>(dup);
            ByRows(gate, Width, (from, to) => SwiGluKernel<float, SingleElements>.Backward(pd, pg, pu, rg, ru, from * Width, to * Width));
        }
        else
        {
            ushort* pd = Of<ushort>(dy), pg = Of<ushort>(gate), pu = Of<ushort>(up), rg = Of<ushort>(dgate), ru = Of<ushort>(dup);
            ByRows(gate, Width, (from, to) => SwiGluKernel<ushort, BFloat16Elements>.Backward(pd, pg, pu, rg, ru, from * Width, to * Width));
        }
    }

    /// <summary>See <see cref="RotaryKernel{T, TElements}.Rotate"/>.</summary>
    public static void Rotate(Tensor x, Tensor cosine, Tensor sine, float direction)
    {
        float* pc = Of<float>(cosine), ps = Of<float>(sine);
        var (heads, headDim) = ((int)x.size(1), (int)x.size(2));
        if (x.dtype == ScalarType.Float32)
        {
            var px = Of<float>(x);
            ByRows(x, heads * headDim, (from, to) => RotaryKernel<float, SingleElements>.Rotate(px, pc, ps, heads, headDim, direction, from, to));
        }
        else
        {
            var px = Of<ushort>(x);
            ByRows(x, heads * headDim, (from, to) => RotaryKernel<ushort, BFloat16Elements>.Rotate(px, pc, ps, heads, headDim, direction, from, to));
        }
    }

    /// <summary>See <see cref="CrossEntropyKernel{T, TElements}.Row"/>.</summary>
    /// <param name="logits">[rows, vocabulary].</param>
    /// <param name="targets">[rows], int64.</param>
    /// <param name="weight">0 where no gradient is wanted.</param>
    public static (double Loss, int Correct) CrossEntropy(Tensor logits, Tensor targets, float weight)
    {
        var (rows, size) = ((int)logits.size(0), (int)logits.size(1));
        var results = new (double Loss, bool IsCorrect)[rows];
        var pt = Of<long>(targets);
        if (logits.dtype == ScalarType.Float32)
        {
            var pl = Of<float>(logits);
            ByRows(logits, size, (from, to) =>
            {
                for (var row = from; row < to; row++)
                    results[row] = CrossEntropyKernel<float, SingleElements>.Row(pl + (row * size), size, pt[row], weight);
            });
        }
        else
        {
            var pl = Of<ushort>(logits);
            ByRows(logits, size, (from, to) =>
            {
                for (var row = from; row < to; row++)
                    results[row] = CrossEntropyKernel<ushort, BFloat16Elements>.Row(pl + (row * size), size, pt[row], weight);
            });
        }

        return (results.Sum(result => result.Loss), results.Count(result => result.IsCorrect));
    }

    /// <summary>See <see cref="CausalSoftmaxKernel.Forward(float*, long, long, int, int, int, int?, float)"/>.</summary>
    /// <param name="scores">[kvHeads, group * queries, keys] in float32.</param>
    /// <param name="queries">Adjacent queries, repeated for each head of the group.</param>
    /// <param name="position">Position of the first query among the keys.</param>
    /// <param name="window">How many positions back a query sees, itself included; null sees all.</param>
    /// <param name="scale">Scores are multiplied by it.</param>
    public static void Softmax(Tensor scores, int queries, int position, int? window, float scale)
    {
        var keys = (int)scores.size(2);
        var ps = Of<float>(scores);
        ByRows(scores, keys, (from, to) => CausalSoftmaxKernel.Forward(ps, from, to, queries, keys, position, window, scale));
    }

    /// <summary>See <see cref="CausalSoftmaxKernel.Backward"/>; in place of the gradients.</summary>
    public static void SoftmaxBackward(Tensor probabilities, Tensor gradients, float scale)
    {
        var keys = (int)probabilities.size(2);
        float* pp = Of<float>(probabilities), pg = Of<float>(gradients);
        ByRows(probabilities, keys, (from, to) =>
        {
            for (var row = from; row < to; row++) CausalSoftmaxKernel.Backward(pp + (row * keys), pg + (row * keys), keys, scale);
        });
    }

    /// <summary>Pointer to the first element; libtorch's memory does not move.</summary>
    public static T* Of<T>(Tensor tensor) where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));

    private static void ByRows(Tensor x, int size, Action<long, long> work) => RowWork.Run(x.numel() / size, size, get_num_threads(), work);
}
