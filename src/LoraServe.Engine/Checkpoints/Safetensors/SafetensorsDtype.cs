using static TorchSharp.torch;

namespace LoraServe.Engine.Checkpoints.Safetensors;

/// <summary>Element types of the safetensors format, spelt as in a file.</summary>
internal enum SafetensorsDtype
{
    BOOL, U8, I8, I16, U16, I32, U32, I64, U64, F16, BF16, F32, F64, C64,
    F8_E4M3, F8_E5M2, F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ, F6_E2M3, F6_E3M2, F4,
}

internal static class SafetensorsDtypes
{
    /// <summary>Whether tensors of this type can be read: F32, F16 and BF16, the types of weights.</summary>
    public static bool IsReadable(this SafetensorsDtype dtype) => dtype.ToScalarType() is not null;

    /// <summary>The same type in libtorch where tensors of it can be read, else null.</summary>
    public static ScalarType? ToScalarType(this SafetensorsDtype dtype) => dtype switch
    {
        SafetensorsDtype.F32 => ScalarType.Float32,
        SafetensorsDtype.F16 => ScalarType.Float16,
        SafetensorsDtype.BF16 => ScalarType.BFloat16,
        _ => null,
    };

    /// <summary>Width of one element in bits; elements narrower than a byte are packed.</summary>
    public static int Bits(this SafetensorsDtype dtype) => dtype switch
    {
        SafetensorsDtype.I64 or SafetensorsDtype.U64 or SafetensorsDtype.F64 or SafetensorsDtype.C64 => 64,
        SafetensorsDtype.I32 or SafetensorsDtype.U32 or SafetensorsDtype.F32 => 32,
        SafetensorsDtype.I16 or SafetensorsDtype.U16 or SafetensorsDtype.F16 or SafetensorsDtype.BF16 => 16,
        SafetensorsDtype.F6_E2M3 or SafetensorsDtype.F6_E3M2 => 6,
        SafetensorsDtype.F4 => 4,
        _ => 8,
    };
}
