(** * The spectral norm of a 2×2 matrix

    Statement.   ‖M‖₂² = ½(N + √((p² + q² − r² − s²)² + 4(pr + qs)²)) for M = [[p, q], [r, s]] and
                 N = p² + q² + r² + s². It is attained, and the norm of a product is at most the product of the norms.
    Assumptions. none
    Source.      theory, section 1 (RevNet); natrob_theory/steppers/revnet.py
    Verdict.     proved as stated
    Theorems.    spectral_norm_is_a_bound, spectral_norm_is_attained, spectral_norm_is_least, norm_of_product *)

From Coq Require Import Reals Lra Psatz.
From NatrobProofs Require Import normed_space pair_space.
Open Scope R_scope.

(** ** Matrices of two rows and two columns *)

Record Matrix : Type := matrix { upper_left : R; upper_right : R; lower_left : R; lower_right : R }.

Definition identity_matrix : Matrix := matrix 1 0 0 1.

(** M(u, v), row by row *)
Definition upper_row (M : Matrix) (u v : R) : R := upper_left M * u + upper_right M * v.
Definition lower_row (M : Matrix) (u v : R) : R := lower_left M * u + lower_right M * v.

Definition multiply (M P : Matrix) : Matrix :=
  matrix (upper_row M (upper_left P) (lower_left P)) (upper_row M (upper_right P) (lower_right P))
         (lower_row M (upper_left P) (lower_left P)) (lower_row M (upper_right P) (lower_right P)).

Lemma multiply_rows : forall M P u v,
  upper_row (multiply M P) u v = upper_row M (upper_row P u v) (lower_row P u v) /\
  lower_row (multiply M P) u v = lower_row M (upper_row P u v) (lower_row P u v).
Proof.
  intros M P u v. unfold upper_row, lower_row, multiply, upper_row, lower_row. simpl. split; ring.
Qed.

(** ‖M(u, v)‖₂ *)
Definition norm_of_image (M : Matrix) (u v : R) : R := norm2 (upper_row M u v) (lower_row M u v).

(** L bounds the spectral norm of M. *)
Definition bounds_matrix (M : Matrix) (L : R) : Prop := forall u v, norm_of_image M u v <= L * norm2 u v.

(** ** The spectral norm

    The formula of the code. With p, q, r, s the entries of M, T = p² + q², U = r² + s² and m = pr + qs are the entries
    of M Mᵀ, and the norm is the root of ½(T + U + √((T − U)² + 4m²)). *)

Section SpectralNorm.

Variable M : Matrix.

Let p := upper_left M.
Let q := upper_right M.
Let r := lower_left M.
Let s := lower_right M.

Definition sum_of_squares : R := p * p + q * q + r * r + s * s.
Definition discriminant : R :=
  (p * p + q * q - (r * r + s * s)) * (p * p + q * q - (r * r + s * s)) + 4 * ((p * r + q * s) * (p * r + q * s)).
Definition spectral_square : R := / 2 * (sum_of_squares + sqrt discriminant).
Definition spectral_norm : R := sqrt spectral_square.

(** The same numbers from MᵀM: its diagonal differs by [gap], its other entry is [mixed]. *)
Let gap := p * p + r * r - (q * q + s * s).
Let mixed := p * q + r * s.

Lemma same_discriminant : discriminant = gap * gap + 2 * mixed * (2 * mixed).
Proof.
  unfold discriminant, gap, mixed. ring.
Qed.

Lemma root_is_norm2 : sqrt discriminant = norm2 gap (2 * mixed).
Proof.
  rewrite same_discriminant. reflexivity.
Qed.

Lemma image_squared : forall u v,
  upper_row M u v * upper_row M u v + lower_row M u v * lower_row M u v
    = / 2 * (sum_of_squares * (u * u + v * v) + (gap * (u * u - v * v) + 2 * mixed * (2 * u * v))).
Proof.
  intros u v. unfold upper_row, lower_row, sum_of_squares, gap, mixed, p, q, r, s. field.
Qed.

Lemma spectral_square_nonnegative : 0 <= spectral_square.
Proof.
  unfold spectral_square, sum_of_squares. pose proof (sqrt_pos discriminant). nra.
Qed.

Lemma spectral_norm_nonnegative : 0 <= spectral_norm.
Proof.
  apply sqrt_pos.
Qed.

Lemma spectral_norm_squared : spectral_norm * spectral_norm = spectral_square.
Proof.
  apply sqrt_sqrt, spectral_square_nonnegative.
Qed.

(** (u² − v², 2uv) has norm u² + v². *)
Lemma doubled_angle : forall u v, norm2 (u * u - v * v) (2 * u * v) = u * u + v * v.
Proof.
  intros u v. unfold norm2.
  replace ((u * u - v * v) * (u * u - v * v) + 2 * u * v * (2 * u * v))
    with ((u * u + v * v) * (u * u + v * v)) by ring.
  apply sqrt_square. nra.
Qed.

Theorem spectral_norm_is_a_bound : bounds_matrix M spectral_norm.
Proof.
  intros u v. apply norm2_below.
  - apply Rmult_le_pos; [apply spectral_norm_nonnegative|apply norm2_nonnegative].
  - (* Cauchy and Schwarz for (gap, 2 mixed) and the doubled angle *)
    rewrite image_squared.
    replace (spectral_norm * norm2 u v * (spectral_norm * norm2 u v))
      with ((spectral_norm * spectral_norm) * (norm2 u v * norm2 u v)) by ring.
    rewrite spectral_norm_squared, norm2_squared. unfold spectral_square.
    pose proof (norm2_cauchy_schwarz gap (2 * mixed) (u * u - v * v) (2 * u * v)) as cosine.
    rewrite doubled_angle, <- root_is_norm2 in cosine. lra.
Qed.

(** The singular vector is (D + gap, 2 mixed) with D = √discriminant, or (0, 1) where that is zero. *)
Theorem spectral_norm_is_attained :
  exists u v, 0 < norm2 u v /\ norm_of_image M u v = spectral_norm * norm2 u v.
Proof.
  pose proof (sqrt_pos discriminant) as root_nonnegative.
  assert (sqrt discriminant * sqrt discriminant = gap * gap + 2 * mixed * (2 * mixed)) as root.
  { rewrite <- same_discriminant. apply sqrt_sqrt. rewrite same_discriminant. nra. }
  set (D := sqrt discriminant) in *.
  assert (exists u v, 0 < u * u + v * v /\
    gap * (u * u - v * v) + 2 * mixed * (2 * u * v) = D * (u * u + v * v)) as [u [v [nonzero aligned]]].
  { destruct (Req_dec (D + gap) 0) as [degenerate|regular].
    - exists 0, 1. split; [lra|]. nra.
    - exists (D + gap), (2 * mixed). split.
      + pose proof (Rsqr_pos_lt _ regular) as square. unfold Rsqr in square. nra.
      + (* both sides are 2D²(D + gap), by D² = gap² + (2 mixed)² *)
        replace (gap * ((D + gap) * (D + gap) - 2 * mixed * (2 * mixed)) + 2 * mixed * (2 * (D + gap) * (2 * mixed)))
          with (gap * ((D + gap) * (D + gap)) + (2 * mixed * (2 * mixed)) * (2 * D + gap)) by ring.
        replace (2 * mixed * (2 * mixed)) with (D * D - gap * gap) by lra. ring. }
  exists u, v.
  assert (0 < norm2 u v) as positive by (apply sqrt_lt_R0; assumption).
  split; [assumption|].
  unfold norm_of_image. unfold norm2 at 1.
  rewrite image_squared, aligned.
  replace (/ 2 * (sum_of_squares * (u * u + v * v) + D * (u * u + v * v)))
    with (spectral_square * (u * u + v * v)) by (unfold spectral_square; fold D; ring).
  apply sqrt_mult_alt, spectral_square_nonnegative.
Qed.

(** So it is the least bound. *)
Corollary spectral_norm_is_least : forall L, bounds_matrix M L -> spectral_norm <= L.
Proof.
  intros L bound. destruct spectral_norm_is_attained as [u [v [positive attained]]].
  specialize (bound u v). rewrite attained in bound. apply Rmult_le_reg_r with (norm2 u v); assumption.
Qed.

End SpectralNorm.

(** ** Products of matrices *)

Lemma bounds_multiply : forall M P K L, 0 <= K ->
  bounds_matrix M K -> bounds_matrix P L -> bounds_matrix (multiply M P) (K * L).
Proof.
  intros M P K L nonnegative first second u v. unfold norm_of_image.
  destruct (multiply_rows M P u v) as [upper lower]. rewrite upper, lower.
  apply Rle_trans with (K * norm_of_image P u v); [apply first|].
  rewrite Rmult_assoc. apply Rmult_le_compat_l; [assumption|apply second].
Qed.

(** The product of the norms is at least the norm of the product. *)
Theorem norm_of_product : forall M P, spectral_norm (multiply M P) <= spectral_norm M * spectral_norm P.
Proof.
  intros M P. apply spectral_norm_is_least, bounds_multiply; try apply spectral_norm_is_a_bound.
  apply spectral_norm_nonnegative.
Qed.
